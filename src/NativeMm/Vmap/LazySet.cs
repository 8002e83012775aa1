using NativeMm.Platform;

namespace NativeMm.Vmap;

/// <summary>
/// Freed ranges that are still mapped. <see cref="SortedLazySet"/> is the one that the allocator uses; a measurement may bring another.
/// Thread-safe; <see cref="Detach"/> for one caller at a time.
/// </summary>
internal abstract unsafe class LazySet : IDisposable
{
    /// <summary>Pieces at this moment.</summary>
    public abstract long Pieces { get; }

    /// <summary>The pages from the first piece to the last, or no pages.</summary>
    public abstract PageRange Span { get; }

    /// <summary>Sees to it that there is room for so many ranges. For one caller at a time, beside any other use.</summary>
    public abstract PlatformResult TryOpen(uint ranges);

    /// <summary>Adds a range.</summary>
    public abstract void Add(PageRange range);

    /// <summary>Takes all pieces out, by address if the set is sorted.</summary>
    /// <param name="into">Room for as many pieces as the window can have ranges.</param>
    /// <returns>How many pieces.</returns>
    public abstract int Detach(PageRange* into);

    /// <summary>Checks the structure. Call it at rest.</summary>
    /// <returns>The pages of all pieces.</returns>
    public abstract long Validate();

    /// <inheritdoc/>
    public abstract void Dispose();
}
