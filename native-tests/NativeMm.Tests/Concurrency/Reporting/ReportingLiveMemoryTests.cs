using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>
/// Memory that lives through thousands of passes is not changed by any of them. Only passes that called the device count: others churn beside
/// the live memory until there were enough of them, and the content is looked at all the time.
/// </summary>
public sealed unsafe class ReportingLiveMemoryTests
{
    private const int Passes = 2000;
    private const int Churners = 2;
    private const int Reporter = Churners;
    private const int OperationsAtOnce = 4;

    public static TheoryData<ReporterVariant, DiscardMode> VariantsAndModes
    {
        get
        {
            TheoryData<ReporterVariant, DiscardMode> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                data.Add(variant, DiscardMode.Now);
                data.Add(variant, DiscardMode.WhenNeeded);
            }

            return data;
        }
    }

    [LinuxTheory]
    [MemberData(nameof(VariantsAndModes))]
    public void Blocks_of_every_order(ReporterVariant variant, DiscardMode mode)
    {
        var platform = new FaultyPlatform();
        Assert.True(FrameZone.TryCreate(platform, ZoneKind.Normal, 64 << 20, out FrameZone? made).Succeeded);
        using FrameZone zone = made!;
        var system = new LateTaking(platform, zone);
        using IFrameAllocator behind = variant.IsLockFree() ? new LockFreeFrameAllocator(zone) : new BuddyFrameAllocator(zone);
        using CachedFrameAllocator? cache = variant.IsCached() ? new CachedFrameAllocator(behind) : null;
        IFrameAllocator frames = cache ?? behind;
        using var reporter = new PageReporter(frames, OptionsOf(variant, mode));
        reporter.Register(new MadviseDevice(platform, mode));
        LiveContent[] live = MakeLiveBlocks(frames);

        RunUntilReportedOften(
            reporter,
            () => reporter.ReportNow(),
            live,
            thread => new BlockChurn(frames, thread));

        frames.Validate();
        Assert.Equal(0, reporter.GetStatistics().DeviceFailures);
        Assert.Equal(0, system.RangesBeside);
    }

    [LinuxTheory]
    [MemberData(nameof(VariantsAndModes))]
    public void Objects_of_a_heap_and_its_own_bookkeeping(ReporterVariant variant, DiscardMode mode)
    {
        FrameAllocatorKind kind = variant.IsLockFree() ? FrameAllocatorKind.LockFree : FrameAllocatorKind.Buddy;

        // Not disposed when the test fails: in a heap that lost its bookkeeping a thread may never come back, and disposing would wait for it.
        var fixture = new HeapFixture(64 << 20, kind, OptionsOf(variant, mode));
        MemoryRuntime runtime = fixture.Runtime;
        var system = new LateTaking(fixture.Platform, runtime.Frames.Zone);
        LiveContent[] live = MakeLiveObjects(runtime.Heap);

        RunUntilReportedOften(
            runtime.Reporter,
            () => runtime.Trim(),
            live,
            thread => new HeapChurn(runtime, thread));

        runtime.Validate();
        Assert.Equal(0, runtime.Reporter.GetStatistics().DeviceFailures);
        Assert.True(system.RangesBeside > 0, "The heap's bookkeeping did not follow its blocks.");
        Assert.All(live, content => runtime.Heap.Free((void*)content.Address));
        fixture.Dispose();
    }

    private static PageReporterOptions OptionsOf(ReporterVariant variant, DiscardMode mode) => new()
    {
        Scheme = variant.Scheme(),
        Mode = mode,
        Delay = TimeSpan.Zero,
    };

    /// <summary>Churns and reports until enough passes called the device, with an eye on the live memory from first to last.</summary>
    private static void RunUntilReportedOften(PageReporter reporter, Action pass, LiveContent[] live, Func<int, IChurn> makeChurn)
    {
        int passes = 0;
        int begun = 0;
        int churned = 0;
        bool isOver = false;
        StartGate.Run(Churners + 1, thread =>
        {
            try
            {
                if (thread == Reporter)
                {
                    while (passes < Passes && !Volatile.Read(ref isOver))
                    {
                        long calls = reporter.GetStatistics().DeviceCalls;
                        Volatile.Write(ref begun, begun + 1);
                        int before = Volatile.Read(ref churned);
                        pass();
                        passes += reporter.GetStatistics().DeviceCalls > calls ? 1 : 0;
                        Await(() => Volatile.Read(ref churned) != before || Volatile.Read(ref isOver));
                    }

                    return;
                }

                IChurn churn = makeChurn(thread);
                for (int at = thread; !Volatile.Read(ref isOver); at = (at + Churners) % live.Length)
                {
                    live[at].AssertUnchanged();
                    for (int i = 0; i < OperationsAtOnce; i++)
                    {
                        churn.Step();
                    }

                    // A few operations beside each pass: there is always something to report, and the passes come quickly.
                    int seen = Volatile.Read(ref begun);
                    Interlocked.Increment(ref churned);
                    Await(() => Volatile.Read(ref begun) != seen || Volatile.Read(ref isOver));
                }

                churn.End();
            }
            finally
            {
                Volatile.Write(ref isOver, true);
            }
        });

        Assert.Equal(Passes, passes);
        Assert.All(live, content => content.AssertUnchanged());
    }

    /// <summary>Waits without sleep: on busy cores a millisecond for each of thousands of waits is long. The gate sees to the timeout.</summary>
    private static void Await(Func<bool> condition)
    {
        var wait = default(SpinWait);
        while (!condition())
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>A block of each order and more of the small ones, each beside one that is free.</summary>
    private static LiveContent[] MakeLiveBlocks(IFrameAllocator frames)
    {
        List<LiveContent> live = [];
        List<(Pfn Frame, Order Order)> holes = [];
        for (int order = Order.Huge.Value; order >= 0; order--)
        {
            int count = order >= 7 ? 1 : 8;
            for (int i = 0; i < 2 * count; i++)
            {
                Assert.True(frames.TryAllocate(new Order(order), FrameFlags.None, out Pfn frame, out _));
                var content = new LiveContent((nint)frames.Zone.AddressOf(frame), (int)new Order(order).Bytes, (uint)live.Count);
                content.Write();
                if (i % 2 == 0)
                {
                    live.Add(content);
                }
                else
                {
                    holes.Add((frame, new Order(order)));
                }
            }
        }

        holes.ForEach(hole => frames.Free(hole.Frame, hole.Order));
        return [.. live];
    }

    /// <summary>Objects of 16 bytes to 1 MiB, each beside one that is free.</summary>
    private static LiveContent[] MakeLiveObjects(NativeHeap heap)
    {
        List<LiveContent> live = [];
        List<nint> holes = [];
        for (int bytes = 16; bytes <= 1 << 20; bytes *= 4)
        {
            int count = Math.Clamp((1 << 20) / bytes, 2, 64);
            for (int i = 0; i < count; i++)
            {
                var content = new LiveContent((nint)heap.Alloc((nuint)bytes), bytes, (uint)live.Count);
                content.Write();
                live.Add(content);
                holes.Add((nint)heap.Alloc((nuint)bytes));
            }
        }

        holes.ForEach(hole => heap.Free((void*)hole));
        return [.. live];
    }
}
