using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Concurrency.Frames;

/// <summary>Every allocator under many threads.</summary>
public sealed unsafe class FrameConcurrencyTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void Threads_with_all_orders_never_share_a_frame(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 96);
        var threads = new FrameThreads(fixture, Environment.TickCount);
        for (int i = 0; i < 6; i++)
        {
            threads.AddWorker(4000, Order.MaxValue, bulk: i % 2 == 0);
        }

        threads.Run();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Threads_beside_a_reporter_of_single_frames_never_share_a_frame(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 8);
        var threads = new FrameThreads(fixture, Environment.TickCount);
        for (int i = 0; i < 4; i++)
        {
            threads.AddWorker(6000, 9, bulk: i % 2 == 0);
        }

        threads.AddSweeper(2000);
        threads.Run();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Threads_in_a_zone_that_is_always_full_never_share_a_frame(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 2);
        var threads = new FrameThreads(fixture, Environment.TickCount);
        for (int i = 0; i < 8; i++)
        {
            threads.AddWorker(6000, 8, bulk: true);
        }

        threads.Run();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Reporters_and_drainers_take_nothing_from_threads_at_work_and_promise_nothing_false(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 10);
        var threads = new FrameThreads(fixture, Environment.TickCount);
        for (int i = 0; i < 4; i++)
        {
            threads.AddWorker(5000, Order.MaxValue, bulk: i == 0);
        }

        threads.AddReporter(600, 9);
        threads.AddReporter(1500, 4);
        threads.AddReporter(1500, 6);
        threads.AddDrainer(300);
        threads.Run();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Of_many_threads_that_free_one_block_exactly_one_succeeds(FrameVariant variant)
    {
        // A byte beside each frame finds a double free in a stack only once the first one has happened.
        bool exact = variant is not (FrameVariant.LockFreeCached or FrameVariant.BuddyCached);
        using var fixture = new FrameFixture(variant, 8);
        foreach (int order in exact ? Enumerable.Range(0, Order.Count) : Enumerable.Range(1, Order.MaxValue))
        {
            for (int round = 0; round < 30; round++)
            {
                Pfn frame = fixture.Allocate(order);
                int freed = 0;
                int refused = 0;
                using var gate = new Barrier(4);
                Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
                {
                    gate.SignalAndWait(TimeSpan.FromSeconds(30));
                    try
                    {
                        fixture.Allocator.Free(frame, new Order(order));
                        Interlocked.Increment(ref freed);
                    }
                    catch (MemoryFaultException)
                    {
                        Interlocked.Increment(ref refused);
                    }
                }))];
                Array.ForEach(threads, thread => thread.Start());
                Assert.All(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(30))));
                Assert.Equal((1, 3), (freed, refused));
            }
        }

        fixture.Allocator.Validate();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Threads_that_die_leave_no_frame_behind(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        for (int i = 0; i < 200; i++)
        {
            // Each leaves frames in whatever lists it has; without them the zone would be empty after sixteen threads.
            var thread = new Thread(() =>
            {
                var frames = new Pfn[64];
                for (int f = 0; f < frames.Length; f++)
                {
                    frames[f] = fixture.Allocate(0);
                }

                fixture.FreeAll(frames, 0);
            });
            thread.Start();
            Assert.True(thread.Join(TimeSpan.FromSeconds(30)));
        }

        fixture.FreeAll(fixture.AllocateAll(0), 0);
        fixture.Allocator.Validate();
        Assert.True(fixture.Platform.ReserveCalls < 10, "Dead threads' bookkeeping is not used again.");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void One_granule_that_is_reported_and_used_all_the_time_is_never_called_zero_when_it_is_not(FrameVariant variant)
    {
        // Only 16 frames are free, so that threads and reporter meet at them all the time. No two threads hold one for long.
        using var fixture = new FrameFixture(variant, 2);
        List<Pfn> held = fixture.AllocateAll(0);
        fixture.FreeAll(held.Where(frame => frame.Value is >= 64 and < 80), 0);
        fixture.Allocator.Drain();
        bool mustMeet = variant is FrameVariant.LockFree or FrameVariant.LockFreeOneCore;
        int kept = 0;
        int broken = 0;
        int reports = 0;
        var clock = Stopwatch.StartNew();
        StartGate.Run(3, Run);
        Assert.True(broken == 0, $"{broken} frames were promised to be zero and were not.");
        Assert.True(!mustMeet || (kept > 0 && reports > 0), $"{kept} promises after {reports} reports: threads and reporter never met.");

        fixture.FreeAll(held.Where(frame => frame.Value is < 64 or >= 80), 0);
        fixture.Allocator.Validate();

        void Run(int thread)
        {
            var block = new Pfn[1];
            while (clock.Elapsed < TimeSpan.FromSeconds(1) || (mustMeet && Volatile.Read(ref kept) == 0 && clock.Elapsed < s_patience))
            {
                uint cursor = 0;
                if (thread == 0 && fixture.Allocator.Isolate(new Order(4), block, ref cursor) == 1)
                {
                    fixture.Platform.Discard((nuint)fixture.WordOf(block[0]), new Order(4).Bytes, default);
                    fixture.Allocator.PutBack(block, new Order(4), FrameContent.ReportedZero);
                    Interlocked.Increment(ref reports);
                }
                else if (thread != 0 && fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out bool knownZero))
                {
                    if (knownZero)
                    {
                        Interlocked.Increment(ref *fixture.WordOf(frame) == 0 ? ref kept : ref broken);
                    }

                    *fixture.WordOf(frame) = frame.Value;
                    fixture.Allocator.Free(frame, Order.Zero);
                }
            }
        }
    }

    [Fact]
    public void A_drain_empties_the_stack_of_a_thread_that_is_idle()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeCached, 4);
        using var filled = new ManualResetEventSlim();
        using var end = new ManualResetEventSlim();
        var idle = new Thread(() =>
        {
            fixture.Allocator.Free(fixture.Allocate(0), Order.Zero);
            filled.Set();
            end.Wait(TimeSpan.FromSeconds(30));

            // It works on afterwards as if nothing had happened.
            fixture.Allocator.Free(fixture.Allocate(0), Order.Zero);
        });
        idle.Start();
        Assert.True(filled.Wait(TimeSpan.FromSeconds(30)));
        ulong kept = fixture.Allocator.GetStatistics().PerCoreFrames;
        Assert.Equal((ulong)FrameStack.Batch, kept);

        Assert.Equal(kept, fixture.Allocator.Drain());

        Assert.Equal(0u, fixture.Allocator.GetStatistics().PerCoreFrames);
        Assert.Equal(1024u, fixture.Allocator.GetStatistics().FreeFrames);
        end.Set();
        Assert.True(idle.Join(TimeSpan.FromSeconds(30)));
        fixture.Allocator.Validate();
    }
}
