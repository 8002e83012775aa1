using NativeMm.Platform;

namespace NativeMm.Vmap;

/// <summary>
/// The free address space of a window behind its lock. One implementation, <see cref="LockedFreeSpace{TStatistics}"/>; the base class only keeps
/// the lock's type parameter out of everything above. Off the fast path throughout. Thread-safe.
/// </summary>
internal abstract unsafe class FreeSpace : IDisposable
{
    /// <summary>Free pages.</summary>
    public abstract long Pages { get; }

    /// <summary>Maximal pieces of free pages. Without the lock.</summary>
    public abstract long Ranges { get; }

    /// <summary>Pages of the largest piece.</summary>
    public abstract uint Largest { get; }

    /// <summary>Sees to it that giving pages back needs no memory while the window has so many ranges. For one caller at a time, beside any other use.</summary>
    /// <param name="ranges">Ranges that are in use, or lazy, at once. As many again may be in the hands of a purge.</param>
    public abstract PlatformResult TryOpen(uint ranges);

    /// <summary>Takes pages at the lowest address where they fit.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="alignPages">Power of two that the first page is a multiple of, counted from address 0, not from the window's begin.</param>
    /// <param name="start">The first page.</param>
    /// <param name="ranges">Maximal pieces of free pages afterwards.</param>
    public abstract bool TryTake(uint pages, nuint alignPages, out uint start, out long ranges);

    /// <summary>Takes exactly these pages if all of them are free.</summary>
    public abstract bool TryTakeAt(PageRange range);

    /// <summary>Gives pages back and merges them with their neighbours.</summary>
    public abstract void Give(PageRange range);

    /// <summary>Gives many pieces back in one hold of the lock, which begins when nobody waits for it.</summary>
    /// <param name="ranges">The pieces.</param>
    /// <param name="count">How many.</param>
    public abstract void GiveMany(PageRange* ranges, int count);

    /// <summary>Checks the structure. Call it at rest.</summary>
    public abstract void Validate();

    /// <summary>What the lock recorded, or null if it records nothing.</summary>
    public abstract Diagnostics.LockStatisticsSnapshot? LockSnapshot();

    /// <inheritdoc/>
    public abstract void Dispose();
}
