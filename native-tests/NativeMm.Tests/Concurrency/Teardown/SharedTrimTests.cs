using System.Collections.Concurrent;
using System.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Passes of a reporter that several threads make: by the end all is as if one had made it, and at no moment more is missing.</summary>
public sealed class SharedTrimTests
{
    private const ulong BlockBytes = SharedTrimFixture.BlockBytes;

    // Each second block of the zone; and all but a reserve.
    private const int Half = SharedTrimFixture.ZoneBlocks / 2;
    private const int All = SharedTrimFixture.ZoneBlocks - 8;

    public static TheoryData<ReporterVariant, int> Widths
    {
        get
        {
            TheoryData<ReporterVariant, int> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                foreach (int width in variant == ReporterVariant.LockFree ? [1, 2, 5, 32] : new[] { 3 })
                {
                    data.Add(variant, width);
                }
            }

            return data;
        }
    }

    public static TheoryData<ReporterVariant> Variants => [.. Enum.GetValues<ReporterVariant>()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_block_is_told_of_once_and_all_counts_add_up(ReporterVariant variant, int width)
    {
        using var fixture = new SharedTrimFixture(variant, width);
        Pfn[] free = fixture.MakeFree(Half, apart: true);
        fixture.Platform.Discarding = () => Thread.SpinWait(2000);

        ulong bytes = fixture.Reporter.ReportNow();

        Assert.Equal(Half * BlockBytes, bytes);
        fixture.AssertEachOnce(free);
        ReporterStatistics statistics = fixture.Reporter.GetStatistics();
        Assert.Equal(((long)Half, bytes, 0L, 0L), (statistics.ReportedBlocks, statistics.ReportedBytes, statistics.DeviceFailures, statistics.PressureStops));
        Assert.Equal(Half * 512UL, fixture.Allocator.GetStatistics().ReportedFrames);

        // The first two calls are made before it is known that this is much.
        Assert.Equal(1L, fixture.Workers.Statistics.Jobs);
        Assert.Equal((long)bytes - (128 << 20), fixture.Workers.Statistics.Bytes);
        Assert.Equal(fixture.Workers.Statistics.Bytes / 4096, fixture.Workers.Statistics.Frames);
        Assert.InRange(fixture.Workers.Statistics.WidthReached, 1, width);
        Assert.Equal(0UL, fixture.Reporter.ReportNow());
        Assert.Equal((long)Half, fixture.Reporter.GetStatistics().ReportedBlocks);
    }

    /// <summary>What several threads have taken out together is never more than one call of one thread takes.</summary>
    [Theory]
    [MemberData(nameof(Widths))]
    public void At_no_moment_more_blocks_are_missing_than_for_one_thread(ReporterVariant variant, int width)
    {
        using var fixture = new SharedTrimFixture(variant, width);
        fixture.MakeFree(All);
        ulong most = 0;

        // A buddy has so few and large blocks that a thread may have told of all before another one comes.
        bool waits = width > 1 && variant.IsLockFree();
        var threads = new ConcurrentDictionary<int, int>();
        fixture.Platform.Discarding = () =>
        {
            ulong isolated = fixture.Allocator.GetStatistics().IsolatedFrames;
            ulong before;
            while (isolated > (before = Volatile.Read(ref most)) && Interlocked.CompareExchange(ref most, isolated, before) != before)
            {
            }

            threads[Environment.CurrentManagedThreadId] = 0;
            Thread.Sleep(1);
            if (waits && fixture.Platform.Discards.Sum(range => (long)range.Bytes) > All / 2 * (long)BlockBytes)
            {
                // By now another thread was asked for, and there is something left for it, however long the scheduler takes, and however much a call takes.
                SpinWait.SpinUntil(() => threads.Count > 1, ReleaseFixture.Timeout);
            }
        };

        Assert.Equal(All * BlockBytes, fixture.Reporter.ReportNow());

        // A buddy has larger blocks than those of 2 MiB.
        Assert.InRange(most, 1UL, PageReporter.Capacity * (variant.IsLockFree() ? 512UL : 1024UL));
        Assert.InRange(threads.Count, waits ? 2 : 1, width + 1);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void What_is_too_small_is_told_as_ever_by_one_thread_without_managed_memory(ReporterVariant variant)
    {
        long allocated = long.MaxValue;
        for (int round = 0; round < 2; round++)
        {
            using var fixture = new SharedTrimFixture(variant, width: 2);
            Pfn[] free = fixture.MakeFree(64, apart: true);
            long before = GC.GetAllocatedBytesForCurrentThread();
            ulong bytes = fixture.Reporter.ReportNow();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(64 * BlockBytes, bytes);
            fixture.AssertEachOnce(free);
            Assert.Equal((0L, 0), (fixture.Workers.Statistics.Jobs, fixture.Workers.Threads));
        }

        // The platform of the test writes the calls down.
        Assert.InRange(allocated, 0, 8 << 10);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_of_the_programs_own_is_called_by_one_thread_and_sees_every_block_once(ReporterVariant variant)
    {
        using var fixture = new SharedTrimFixture(variant, width: 2);
        fixture.Reporter.Unregister(fixture.Device);
        int inside = 0;
        var device = new RecordingDevice(new ScriptedDevice(_ =>
        {
            Assert.Equal(1, Interlocked.Increment(ref inside));
            Interlocked.Decrement(ref inside);
            return FrameContent.Reported;
        }));
        fixture.Reporter.Register(device);
        Pfn[] free = fixture.MakeFree(Half, apart: true);

        Assert.Equal(Half * BlockBytes, fixture.Reporter.ReportNow());

        Assert.Equal(free.Order(), device.Ranges.Select(range => range.Frame).Order());
        Assert.Equal(0L, fixture.Workers.Statistics.Jobs);
        fixture.Reporter.Unregister(device);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Where_no_thread_can_be_made_the_caller_does_all_of_it(ReporterVariant variant)
    {
        using var refused = new ManualResetEventSlim();
        using var fixture = new SharedTrimFixture(variant, width: 4, startThread: _ =>
        {
            refused.Set();
            throw new OutOfMemoryException();
        });
        Pfn[] free = fixture.MakeFree(Half, apart: true);
        fixture.Platform.Discarding = () => Thread.Sleep(1);

        Assert.Equal(Half * BlockBytes, fixture.Reporter.ReportNow());

        fixture.AssertEachOnce(free);
        Assert.True(refused.Wait(StartGate.DefaultTimeout));
        Assert.Equal(0, fixture.Workers.Threads);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Workers_that_have_ended_leave_it_to_the_caller(ReporterVariant variant)
    {
        using var fixture = new SharedTrimFixture(variant, width: 4);
        fixture.Workers.Dispose();
        Pfn[] free = fixture.MakeFree(Half, apart: true);
        Assert.Equal(Half * BlockBytes, fixture.Reporter.ReportNow());
        fixture.AssertEachOnce(free);
        Assert.Equal(1L, fixture.Workers.Statistics.InlineWithoutWorker);
    }

    /// <summary>A refusal ends the pass, its blocks stay free and are told of by the next ones.</summary>
    [Theory]
    [MemberData(nameof(Widths))]
    public void A_refused_call_is_counted_and_its_blocks_go_with_a_later_pass(ReporterVariant variant, int width)
    {
        foreach (int every in new[] { 7, 43, 75, 110, 125 })
        {
            using var fixture = new SharedTrimFixture(variant, width);
            Pfn[] free = fixture.MakeFree(Half, apart: true);
            fixture.Platform.RefuseEvery = every;
            ulong bytes = 0;
            int passes = 0;
            while (bytes < Half * BlockBytes)
            {
                bytes += fixture.Reporter.ReportNow();
                Assert.Equal(0UL, fixture.Allocator.GetStatistics().IsolatedFrames);
                Assert.Equal(bytes, fixture.Reporter.GetStatistics().ReportedBytes);
                fixture.Platform.RefuseEvery = ++passes < 20 ? every : 0;
            }

            Assert.Equal(Half * BlockBytes, bytes);
            Assert.Equal((ulong)free.Length * 512, fixture.Allocator.GetStatistics().ReportedFrames);
            ReporterStatistics statistics = fixture.Reporter.GetStatistics();
            Assert.InRange(statistics.DeviceFailures, 1, statistics.DeviceCalls - 1);
            Assert.Contains("could not do its work", statistics.LastFailure, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void What_a_worker_throws_is_a_failure_of_the_device_and_loses_no_block(ReporterVariant variant)
    {
        var follower = new ThrowingFollower();
        using var fixture = new SharedTrimFixture(variant, width: 4, follower: follower);
        fixture.MakeFree(Half, apart: true);
        fixture.Platform.Discarding = () => Thread.SpinWait(2000);
        follower.CallsLeft = 90;

        Assert.InRange(fixture.Reporter.ReportNow(), 64 * BlockBytes, (Half - 1) * BlockBytes);

        ReporterStatistics statistics = fixture.Reporter.GetStatistics();
        Assert.InRange(statistics.DeviceFailures, 1, 4);
        Assert.Contains("not now", statistics.LastFailure, StringComparison.Ordinal);
        Assert.Equal(0UL, fixture.Allocator.GetStatistics().IsolatedFrames);
        follower.CallsLeft = int.MaxValue;
        fixture.Reporter.ReportNow();
        Assert.Equal(Half * 512UL, fixture.Allocator.GetStatistics().ReportedFrames);
    }

    /// <summary>All but a few blocks are wanted again and again while passes have some of them out: none of these allocations may fail.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void An_allocation_beside_a_shared_pass_never_fails_while_memory_is_free(ReporterVariant variant)
    {
        using var fixture = new SharedTrimFixture(variant, width: 4);
        fixture.Platform.Discarding = () => Thread.SpinWait(1000);
        const int Each = SharedTrimFixture.ZoneBlocks / 2;
        StartGate.RunBeside(
            2,
            _ =>
            {
                var blocks = new Pfn[Each - 2];
                long start = Stopwatch.GetTimestamp();
                for (int round = 0; round < 4 || (fixture.Workers.Statistics.Jobs == 0 && Stopwatch.GetElapsedTime(start) < ReleaseFixture.Timeout); round++)
                {
                    for (int i = 0; i < blocks.Length; i++)
                    {
                        Assert.True(fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.None, out blocks[i], out bool _), $"Block {i} of round {round} is not to be had.");
                    }

                    fixture.Allocator.FreeBulk(blocks, Order.Huge);
                    Thread.Sleep(2);
                }
            },
            1,
            (_, goesOn) =>
            {
                while (goesOn())
                {
                    fixture.Reporter.ReportNow();
                }
            });
        Assert.NotEqual(0L, fixture.Workers.Statistics.Jobs);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_that_is_unregistered_is_called_by_nobody_afterwards(ReporterVariant variant)
    {
        using var fixture = new SharedTrimFixture(variant, width: 4);
        fixture.MakeFree(Half, apart: true);
        using var begun = new ManualResetEventSlim();
        bool isGone = false;
        int late = 0;
        fixture.Platform.Discarding = () =>
        {
            late += Volatile.Read(ref isGone) ? 1 : 0;
            if (fixture.Platform.Discards.Length > 70)
            {
                // All who are inside stay there until the device is taken away.
                begun.Set();
                SpinWait.SpinUntil(() => fixture.Reporter.Device is null, StartGate.DefaultTimeout);
            }
        };
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                Assert.InRange(fixture.Reporter.ReportNow(), 64 * BlockBytes, (Half - 1) * BlockBytes);
                return;
            }

            Assert.True(begun.Wait(StartGate.DefaultTimeout));
            fixture.Reporter.Unregister(fixture.Device);
            Volatile.Write(ref isGone, true);
        });
        Assert.Equal(0, late);
        Assert.Equal(0, fixture.Reporter.GetStatistics().DeviceFailures);
    }

    /// <summary>On an older kernel each range goes in steps; the blocks are the same.</summary>
    [Fact]
    public void On_a_kernel_that_locks_the_whole_map_every_block_is_told_of_once_as_well()
    {
        using var fixture = new SharedTrimFixture(ReporterVariant.LockFree, width: 3, byArea: false);
        Pfn[] free = fixture.MakeFree(Half, apart: true);
        Assert.Equal(Half * BlockBytes, fixture.Reporter.ReportNow());
        fixture.AssertEachOnce(free);
    }

    private sealed class ThrowingFollower : IRangeFollower
    {
        private int _callsLeft = int.MaxValue;

        public int CallsLeft
        {
            set => _callsLeft = value;
        }

        public AddressRange RangeOf(FrameRange block) => Interlocked.Decrement(ref _callsLeft) < 0 ? throw new InvalidOperationException("not now") : default;
    }
}
