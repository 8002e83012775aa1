using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>A free space whose lock keeps every hold, and which tells when a purge gave ranges back. Thread-safe.</summary>
/// <param name="geometry">The window.</param>
/// <param name="outstanding">Told what a purge gives back.</param>
/// <param name="clock">Told when ranges have been given back.</param>
internal sealed unsafe class ObservedFreeSpace(FreeSpaceGeometry geometry, OutstandingPages outstanding, PurgeClock clock) : FreeSpace
{
    private readonly LockedFreeSpace<HoldHistogram> _inner = new(geometry);

    /// <summary>The holds of the lock since <see cref="ForgetHolds"/>. Read it at rest.</summary>
    public DurationHistogram Holds => _inner.Statistics.Holds;

    /// <inheritdoc/>
    public override long Pages => _inner.Pages;

    /// <inheritdoc/>
    public override long Ranges => _inner.Ranges;

    /// <inheritdoc/>
    public override uint Largest => _inner.Largest;

    /// <summary>Begins anew. Call it at rest.</summary>
    public void ForgetHolds() => _inner.Statistics = default;

    /// <inheritdoc/>
    public override PlatformResult TryOpen(uint ranges) => _inner.TryOpen(ranges);

    /// <inheritdoc/>
    public override bool TryTake(uint pages, nuint alignPages, out uint start, out long ranges) =>
        _inner.TryTake(pages, alignPages, out start, out ranges);

    /// <inheritdoc/>
    public override bool TryTakeAt(PageRange range) => _inner.TryTakeAt(range);

    /// <inheritdoc/>
    public override void Give(PageRange range) => _inner.Give(range);

    /// <inheritdoc/>
    public override void GiveMany(PageRange* ranges, int count)
    {
        long pages = outstanding.GivingBack(new ReadOnlySpan<PageRange>(ranges, count));
        _inner.GiveMany(ranges, count);
        clock.GivenBack(Stopwatch.GetTimestamp());
        outstanding.GivenBack(pages);
    }

    /// <inheritdoc/>
    public override void Validate() => _inner.Validate();

    /// <inheritdoc/>
    public override LockStatisticsSnapshot? LockSnapshot() => null;

    /// <inheritdoc/>
    public override void Dispose() => _inner.Dispose();
}
