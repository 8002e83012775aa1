using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>What a <see cref="ZsPool"/> asks of its allocator, whatever the locking. See <see cref="ZsAllocator{TLocking, TStatistics, TPause}"/>.</summary>
internal abstract class ZsEngine : IShrinker, IFrameMigrator
{
    public abstract int HugeObjectBytes { get; }

    public abstract long TotalFrames { get; }

    public abstract bool TryAlloc(int bytes, out ZsHandle handle);

    public abstract void Free(ZsHandle handle);

    public abstract void Write(ZsHandle handle, ReadOnlySpan<byte> data, int offset);

    public abstract ZsReadLease OpenRead(ZsHandle handle, Span<byte> scratch);

    public abstract int SizeOf(ZsHandle handle);

    /// <summary>Compacts everything, waiting for whoever is at a class already.</summary>
    /// <returns>Frames freed.</returns>
    public abstract long Compact();

    /// <summary>
    /// Waits for the work that is under way and lets none begin until <see cref="EndRest"/>; the end of the pool waits until then, too. Several may rest at
    /// a time.
    /// </summary>
    /// <returns>False once the pool is closing: then there is nothing to end.</returns>
    public abstract bool TryBeginRest();

    /// <summary>Lets work begin again.</summary>
    public abstract void EndRest();

    /// <summary>Frees empty zspages that nobody reads. Does nothing once the pool is closing.</summary>
    /// <returns>Frames freed.</returns>
    public abstract long ReleaseEmpty();

    /// <summary>
    /// A pass of idle time: frees empty zspages that nobody reads, and compacts the classes that nobody allocated from since the last pass. Does nothing
    /// once the pool is closing.
    /// </summary>
    public abstract void TrimIdle();

    /// <summary>Counts the pool's frames among some of the zone; 0 once the pool is closing.</summary>
    public abstract uint CountFrames(Pfn first, uint count);

    /// <summary>The slots of the objects alive, in bytes; 0 once the pool is closing.</summary>
    public abstract long SlotBytes();

    public abstract ZsPoolStatistics GetStatistics();

    public abstract IReadOnlyList<ZsClassStatistics> GetClassStatistics();

    public abstract IReadOnlyList<LockStatisticsSnapshot> GetLockStatistics();

    /// <summary>Frames that compaction freed since the pool was made; also when the pool has ended.</summary>
    public abstract long FramesCompacted { get; }

    public abstract void Validate();

    /// <summary><see cref="Validate"/> for a caller who keeps the pool at rest.</summary>
    public abstract void ValidateAtRest();

    public abstract ulong Shrink(ulong framesWanted);

    public abstract bool TryMigrate(Pfn frame, Pfn target);

    /// <summary>Whether a lease is open, as far as can be said while others work. False once the pool is closing.</summary>
    public abstract bool IsLeased();

    /// <summary>Gives everything back.</summary>
    /// <returns>Objects that were still alive, and their bytes.</returns>
    public abstract (long Objects, long Bytes) Release();

    /// <summary>Frees a zspage that became empty while it was pinned. Called by whoever let go last.</summary>
    public abstract void FinishDeferred(uint zspage);

    /// <summary>An access ended, and the object it was for is gone.</summary>
    public abstract void ThrowFreedWhileUsed(ZsHandle handle);
}
