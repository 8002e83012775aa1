namespace NativeMm.Caching;

/// <summary>What is about to become a record.</summary>
internal readonly ref struct CacheItem
{
    /// <summary>The key's hash.</summary>
    public required ulong Hash { get; init; }

    /// <summary>The key.</summary>
    public required ReadOnlySpan<byte> Key { get; init; }

    /// <summary>The value as it is to be stored.</summary>
    public required ReadOnlySpan<byte> Stored { get; init; }

    /// <summary>Bytes of the value as it was given.</summary>
    public required int Length { get; init; }

    /// <summary>When it ends.</summary>
    public required CacheTimes Times { get; init; }

    /// <summary>How dear it is.</summary>
    public required CachePriority Priority { get; init; }

    /// <summary>Whether the stored value is compressed.</summary>
    public bool IsCompressed => Stored.Length != Length;

    /// <summary>Its slot, for a record at a place.</summary>
    public CacheSlot SlotAt(uint location) => new(location, Hash, Priority, Times.Deadline != CacheTimes.Never);
}
