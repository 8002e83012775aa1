using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Trims of much memory of a runtime: by several threads, beside statistics, and beside the end.</summary>
public sealed unsafe class RuntimeTrimTests
{
    private const int Blocks = 160;
    private const ulong BlockBytes = 2 << 20;

    public static TheoryData<FrameAllocatorKind, TeardownStrategy> Cases
    {
        get
        {
            TheoryData<FrameAllocatorKind, TeardownStrategy> data = [];
            foreach (FrameAllocatorKind kind in Enum.GetValues<FrameAllocatorKind>())
            {
                foreach (TeardownStrategy strategy in Enum.GetValues<TeardownStrategy>())
                {
                    data.Add(kind, strategy);
                }
            }

            return data;
        }
    }

    [LinuxTheory]
    [MemberData(nameof(Cases))]
    public void The_pages_are_gone_and_the_same_bytes_are_counted_whatever_the_strategy(FrameAllocatorKind kind, TeardownStrategy strategy)
    {
        using MemoryRuntime runtime = Make(SystemPlatform.Current, kind, strategy);
        Pfn[] blocks = Use(runtime);
        foreach (Pfn block in blocks)
        {
            *(byte*)runtime.Frames.Zone.AddressOf(block) = 1;
        }

        Assert.True(ResidentPages(runtime) >= Blocks);
        runtime.Frames.FreeBulk(blocks, Order.Huge);

        ulong bytes = runtime.Trim();

        Assert.Equal(Blocks * BlockBytes, bytes);
        Assert.Equal((nuint)0, ResidentPages(runtime));
        RuntimeStatistics now = runtime.GetStatistics();
        Assert.Equal((bytes, 1L), (now.ReturnedBytes, now.Teardown.Jobs));
        Assert.Equal(bytes, now.Reporting.ReportedBytes);
        Assert.InRange(now.Teardown.WidthReached, 1, strategy == TeardownStrategy.Inline ? 1 : 2);
        Assert.InRange(now.Teardown.CpuTime, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1));
        runtime.Validate();
    }

    /// <summary>What a trim gives back is free all the time, so it is nobody's and not on its way: committed until the system has it, and returned from then on.</summary>
    [LinuxFact]
    public void The_states_add_up_at_every_step()
    {
        var platform = new ReleasingPlatform { Discarding = () => Thread.Sleep(1) };
        using MemoryRuntime runtime = Make(platform, FrameAllocatorKind.LockFree, TeardownStrategy.RangeSplit);
        Pfn[] blocks = Use(runtime);
        runtime.Frames.FreeBulk(blocks, Order.Huge);
        ulong committed = runtime.GetStatistics().CommittedBytes;
        StartGate.RunBeside(
            1,
            _ => Assert.Equal(Blocks * BlockBytes, runtime.Trim()),
            1,
            (_, goesOn) =>
            {
                ulong last = committed;
                while (goesOn())
                {
                    RuntimeStatistics now = runtime.GetStatistics();
                    Assert.Equal(now.CommittedBytes, now.InUseBytes + now.RetainedBytes + now.ReleasingBytes);
                    Assert.Equal((long)now.OpenedBytes, MemoryRuntime.StatesOf(now).Sum(state => state.Bytes));
                    Assert.Equal((0UL, 0L), (now.ReleasingBytes, now.Teardown.ReleasingBytes));
                    Assert.InRange(now.CommittedBytes, committed - (Blocks * BlockBytes), last);
                    last = now.CommittedBytes;
                }
            });
        Assert.Equal(committed - (Blocks * BlockBytes), runtime.GetStatistics().CommittedBytes);
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_runtime_may_end_beside_a_trim_and_nothing_is_lost(bool inBackground)
    {
        for (int round = 0; round < 12; round++)
        {
            var ledger = new FaultyPlatform();
            var platform = new ReleasingPlatform(ledger) { Discarding = () => Thread.SpinWait(3000) };
            MemoryRuntime runtime = Make(platform, FrameAllocatorKind.LockFree, TeardownStrategy.RangeSplit);
            runtime.Frames.FreeBulk(Use(runtime), Order.Huge);
            using var begun = new ManualResetEventSlim();
            int discards = 1 + (round * 12);
            StartGate.Run(2, thread =>
            {
                if (thread == 0)
                {
                    try
                    {
                        Assert.InRange(runtime.Trim(), 0UL, Blocks * BlockBytes);
                    }
                    catch (ObjectDisposedException)
                    {
                        // The end was first, or came before the pass.
                    }

                    return;
                }

                SpinWait.SpinUntil(() => platform.Discards.Length >= discards, TimeSpan.FromSeconds(2));
                if (inBackground)
                {
                    runtime.DisposeAsync().AsTask().Wait(ReleaseFixture.Timeout);
                }

                runtime.Dispose();
            });
            ledger.AssertNothingLeaked();
        }
    }

    private static MemoryRuntime Make(IMemoryPlatform platform, FrameAllocatorKind kind, TeardownStrategy strategy) => new(
        new MemoryRuntimeOptions
        {
            CapacityBytes = 512 << 20,
            FrameAllocator = kind,
            BackgroundTrim = false,
            HugePages = false,
            Teardown = new TeardownOptions { MaxActive = 2, Strategy = strategy, MinimumGain = 0, StepTime = TimeSpan.FromMilliseconds(1) },
        },
        platform,
        isShared: false);

    private static Pfn[] Use(MemoryRuntime runtime)
    {
        var blocks = new Pfn[Blocks];
        Assert.Equal(Blocks, runtime.Frames.AllocateBulk(Order.Huge, FrameFlags.None, blocks));
        return blocks;
    }

    private static nuint ResidentPages(MemoryRuntime runtime)
    {
        FrameZone zone = runtime.Frames.Zone;
        Assert.True(SystemPlatform.Current.CountResident(zone.BaseAddress, zone.OpenedFrames * 4096, out nuint pages).Succeeded);
        return pages;
    }
}
