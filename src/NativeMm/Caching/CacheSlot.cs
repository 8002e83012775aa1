using NativeMm.Diagnostics;

namespace NativeMm.Caching;

/// <summary>
/// A word of a bucket: where a record lies, and enough of its key's hash to find its bucket in a table of any size. 0 when no entry has it.
/// Bits 32 to 63 the location, 3 to 31 the tag, 1 and 2 the priority, 0 whether the entry may expire.
/// </summary>
/// <param name="Word">The word.</param>
internal readonly record struct CacheSlot(ulong Word)
{
    /// <summary>Bits of a tag.</summary>
    public const int TagBits = 29;

    private const int TagShift = 3;
    private const uint Expiring = 1;

    public CacheSlot(uint location, ulong hash, CachePriority priority, bool expires)
        : this(((ulong)location << 32) | TagOf(hash) | ((uint)(priority + 1) << 1) | (expires ? Expiring : 0))
    {
    }

    /// <summary>Where the record lies; 0 for nowhere.</summary>
    public uint Location => (uint)(Word >> 32);

    /// <summary>The tag, in its place.</summary>
    public uint Tag => (uint)Word & ~7u;

    /// <summary>How dear the entry is.</summary>
    public CachePriority Priority => (CachePriority)((int)((Word >> 1) & 3) - 1);

    /// <summary>Whether the entry may expire.</summary>
    public bool Expires => (Word & Expiring) != 0;

    /// <summary>The tag of a key, in its place.</summary>
    public static uint TagOf(ulong hash) => (uint)hash & ~7u;

    /// <summary>The home of a tag among so many buckets.</summary>
    public static uint HomeOf(uint tag, uint buckets) => (uint)(((ulong)(tag >> TagShift) * buckets) >> TagBits);

    /// <summary>The same entry at another place.</summary>
    public CacheSlot At(uint location)
    {
        Invariant.Assert(location != 0 && Location != 0, $"What lies at {Location:x} moves to {location:x}.");
        return new(((ulong)location << 32) | (uint)Word);
    }
}
