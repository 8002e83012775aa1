using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Faulty.Vmap;

/// <summary>A purge that throws on a thread that nobody called must not end the process, and the next one must come.</summary>
public sealed unsafe class PurgeFailureTests
{
    private const nuint Page = Pfn.FrameBytes;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [LinuxFact]
    public void The_worker_goes_on_after_a_purge_that_threw()
    {
        ThrowingLazySet? set = null;
        using var vmap = new VmapAllocator(
            Options(PurgeExecutor.Worker), SystemPlatform.Current, makeLazySet: geometry => set = new ThrowingLazySet(new SortedLazySet(geometry)));
        set!.Failures = 1;
        vmap.Free(vmap.Alloc(2 * Page));
        Assert.True(SpinWait.SpinUntil(() => vmap.GetStatistics().PurgeFailures == 1, s_timeout), "The purge did not fail.");
        Assert.Contains("no purge", vmap.GetStatistics().LastPurgeFailure, StringComparison.Ordinal);
        vmap.Free(vmap.Alloc(2 * Page));
        Assert.True(SpinWait.SpinUntil(() => vmap.GetStatistics().LazyPages == 0, s_timeout), "Nobody purges any more.");
        vmap.Validate();
    }

    [LinuxFact]
    public void What_a_helper_throws_is_told_by_the_purge()
    {
        ThrowingFreeSpace? free = null;
        using var vmap = new VmapAllocator(
            Options(PurgeExecutor.WorkerPerLazyMax) with { Purge = new LazyPurgePolicy { Executor = PurgeExecutor.WorkerPerLazyMax, LazyPagesMax = 1, LazyPiecesMax = LazyPurgePolicy.PiecesLimit, Trigger = PurgeTrigger.PagesAndPieces } },
            SystemPlatform.Current,
            makeFreeSpace: geometry => free = new ThrowingFreeSpace(new LockedFreeSpace<NoLockStatistics>(geometry)));
        nuint[] ranges = [.. Enumerable.Range(0, 64).Select(_ => (nuint)vmap.Alloc(Page))];
        foreach (nuint range in ranges.Where((_, at) => at % 2 == 0))
        {
            vmap.Free((void*)range);
        }

        free!.Throws = true;
        Assert.Throws<InvalidOperationException>(() => vmap.Purge());
        free.Throws = false;
    }

    private static VmapOptions Options(PurgeExecutor executor) => new()
    {
        CapacityBytes = 8 << 20,
        WindowBytes = 64 << 20,
        PooledBytesMaxPerCore = 0,
        Purge = new LazyPurgePolicy { Executor = executor, LazyPagesMax = 1 },
    };

    private sealed class ThrowingLazySet(LazySet inner) : LazySet
    {
        public int Failures { get; set; }

        public override long Pieces => inner.Pieces;

        public override PageRange Span => inner.Span;

        public override PlatformResult TryOpen(uint ranges) => inner.TryOpen(ranges);

        public override void Add(PageRange range) => inner.Add(range);

        public override int Detach(PageRange* into) =>
            Failures-- > 0 ? throw new InvalidOperationException("no purge today") : inner.Detach(into);

        public override long Validate() => inner.Validate();

        public override void Dispose() => inner.Dispose();
    }

    /// <summary>Throws on every thread; with a machine of one core there is no helper, and the purge itself throws.</summary>
    private sealed class ThrowingFreeSpace(FreeSpace inner) : FreeSpace
    {
        public bool Throws { get; set; }

        public override long Pages => inner.Pages;

        public override long Ranges => inner.Ranges;

        public override uint Largest => inner.Largest;

        public override PlatformResult TryOpen(uint ranges) => inner.TryOpen(ranges);

        public override bool TryTake(uint pages, nuint alignPages, out uint start, out long ranges) =>
            inner.TryTake(pages, alignPages, out start, out ranges);

        public override bool TryTakeAt(PageRange range) => inner.TryTakeAt(range);

        public override void Give(PageRange range) => inner.Give(range);

        public override void GiveMany(PageRange* ranges, int count)
        {
            if (Throws)
            {
                throw new InvalidOperationException("no addresses today");
            }

            inner.GiveMany(ranges, count);
        }

        public override void Validate() => inner.Validate();

        public override NativeMm.Diagnostics.LockStatisticsSnapshot? LockSnapshot() => inner.LockSnapshot();

        public override void Dispose() => inner.Dispose();
    }
}
