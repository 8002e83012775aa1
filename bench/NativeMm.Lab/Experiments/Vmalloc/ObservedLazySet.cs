using System.Diagnostics;
using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>A lazy set that is another one and tells what goes in and out. Thread-safe as far as that one is.</summary>
/// <param name="inner">The set; disposed with this.</param>
/// <param name="outstanding">Told what is added, and what is detached.</param>
/// <param name="clock">Told when ranges leave the set.</param>
internal sealed unsafe class ObservedLazySet(LazySet inner, OutstandingPages outstanding, PurgeClock clock) : LazySet
{
    /// <inheritdoc/>
    public override long Pieces => inner.Pieces;

    /// <inheritdoc/>
    public override PageRange Span => inner.Span;

    /// <inheritdoc/>
    public override PlatformResult TryOpen(uint ranges) => inner.TryOpen(ranges);

    /// <inheritdoc/>
    public override void Add(PageRange range)
    {
        outstanding.Adding(range);
        inner.Add(range);
    }

    /// <inheritdoc/>
    public override int Detach(PageRange* into)
    {
        long begun = Stopwatch.GetTimestamp();
        int count = inner.Detach(into);
        if (count > 0)
        {
            clock.Detached(begun);
            outstanding.Detached(new ReadOnlySpan<PageRange>(into, count));
        }

        return count;
    }

    /// <inheritdoc/>
    public override long Validate() => inner.Validate();

    /// <inheritdoc/>
    public override void Dispose() => inner.Dispose();
}
