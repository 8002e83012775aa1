using System.Diagnostics.Metrics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Concurrency.Runtime;

/// <summary>The end of a runtime beside those who come uninvited.</summary>
public sealed unsafe class RuntimeEndTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public void Dispose_waits_for_an_exporter_that_is_counting()
    {
        using var gate = new Rendezvous(s_timeout);
        var platform = new FaultyPlatform();
        using MeterListener listener = ListenTo(platform, _ => { }, out MemoryRuntime runtime);
        NativeHeap second = runtime.CreateHeap("second");

        // A trim of the second heap is held up, and with it whoever counts that heap.
        second.Free(second.Alloc(3 << 20));
        platform.Entering = kind =>
        {
            if (kind == PlatformCall.Release)
            {
                platform.Entering = null;
                gate.Wait();
            }
        };
        Thread trimmer = Start(() => second.Trim());
        gate.AwaitArrival();
        Exception? problem = null;
        Thread exporter = Start(() => problem = Record.Exception(listener.RecordObservableInstruments));
        AwaitWaiting(exporter);
        Thread disposer = Start(runtime.Dispose);
        AwaitWaiting(disposer);
        Assert.False(disposer.Join(10));
        Assert.False(runtime.Heap.IsDisposed);
        gate.Release();
        Assert.True(trimmer.Join(s_timeout) && exporter.Join(s_timeout) && disposer.Join(s_timeout));
        Assert.Null(problem);
        platform.AssertNothingLeaked();
    }

    [Fact]
    public void An_exporter_that_goes_on_after_the_end_measures_nothing()
    {
        var measured = new List<string>();
        MemoryRuntime? ends = null;
        void Measured(string name)
        {
            measured.Add(name);
            ends?.Dispose();
        }

        using MeterListener listener = ListenTo(new FaultyPlatform(), Measured, out MemoryRuntime runtime);
        listener.RecordObservableInstruments();
        Assert.True(measured.Count > 4, "A runtime has more instruments than that.");
        measured.Clear();

        // It ends within the first measurement, of which several belong to one instrument, and the exporter goes on to the next instrument.
        ends = runtime;
        listener.RecordObservableInstruments();
        Assert.Single(measured.Distinct());
        measured.Clear();
        listener.RecordObservableInstruments();
        Assert.Empty(measured);
    }

    [Fact]
    public void Two_who_dispose_at_once_both_return_when_everything_is_gone()
    {
        for (int round = 0; round < 10; round++)
        {
            var platform = new FaultyPlatform();
            MemoryRuntime runtime = NewRuntime(platform);
            runtime.Heap.Alloc(100);
            using var barrier = new Barrier(2);
            void End()
            {
                Assert.True(barrier.SignalAndWait(s_timeout));
                runtime.Dispose();
                platform.AssertNothingLeaked();
            }

            Exception? problem = null;
            Thread other = Start(() => problem = Record.Exception(End));
            End();
            Assert.True(other.Join(s_timeout));
            Assert.Null(problem);
        }
    }

    [Fact]
    public void A_runtime_with_an_open_lease_stays_as_it_is()
    {
        var platform = new FaultyPlatform();
        MemoryRuntime runtime = NewRuntime(platform);
        ZsPool first = runtime.CreateZsPool();
        ZsPool pool = runtime.CreateZsPool();
        ZsHandle other = first.Alloc(100);
        ZsHandle handle = pool.Alloc(100);
        pool.Write(handle, [1, 2, 3]);
        using (ZsReadLease lease = pool.OpenRead(handle, new byte[4096]))
        {
            Exception refusal = Refuse(runtime);
            Assert.IsType<InvalidOperationException>(refusal);
            Assert.Contains("lease", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(3, lease.Data[2]);
        }

        // Nothing ended, not even what comes before the pool.
        runtime.Heap.Free(runtime.Heap.Alloc(100));
        first.Free(other);
        runtime.Trim();
        runtime.Validate();
        runtime.Dispose();
        Assert.True(first.IsDisposed && pool.IsDisposed);
        platform.AssertNothingLeaked();
    }

    [Theory]
    [InlineData(FrameAllocatorKind.LockFree)]
    [InlineData(FrameAllocatorKind.Buddy)]
    public void Frames_of_a_runtime_that_ended_are_refused_and_not_touched(FrameAllocatorKind kind)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 1UL << 30, BackgroundTrim = false, FrameAllocator = kind });
        IFrameAllocator frames = runtime.Frames;

        // The last blocks of the zone: a pointer that became null plus their offset is nobody's.
        var held = new Pfn[1];
        while (frames.TryAllocate(Order.Max, FrameFlags.None, out Pfn last, out _))
        {
            held[0] = last;
        }

        runtime.Dispose();
        uint cursor = 0;
        foreach (Order order in new[] { Order.Zero, new Order(8), Order.Huge, Order.Max })
        {
            Assert.Throws<ObjectDisposedException>(() => frames.TryAllocate(order, FrameFlags.None, out _, out _));
            Assert.Throws<ObjectDisposedException>(() => frames.AllocateBulk(order, FrameFlags.Zeroed, new Pfn[3]));
            Assert.Throws<ObjectDisposedException>(() => frames.Free(held[0], order));
            Assert.Throws<ObjectDisposedException>(() => frames.FreeBulk(held, order));
            Assert.Throws<ObjectDisposedException>(() => frames.Isolate(order, new Pfn[3], ref cursor));
            Assert.Throws<ObjectDisposedException>(() => frames.PutBack(held, order, FrameContent.Unknown));
        }

        Assert.Throws<ObjectDisposedException>(() => frames.Drain());
        Assert.Throws<ObjectDisposedException>(() => frames.GetStatistics());
        Assert.Throws<ObjectDisposedException>(frames.Validate);
        Assert.Throws<ObjectDisposedException>(() => runtime.Migration.TryEmpty(new Pfn(0), out _));
        Assert.Throws<ObjectDisposedException>(() => runtime.Reporter.ReportNow());
    }

    [Fact]
    public void Whoever_counts_checks_or_trims_a_part_never_touches_what_is_gone()
    {
        ChildResult result = ChildProcess.Run("end-guests");
        Assert.True(result.ExitCode == 0, $"{result.Output}{result.Error}");
        Assert.EndsWith("alive", result.Output.TrimEnd(), StringComparison.Ordinal);
        Assert.DoesNotContain("failed", result.Output, StringComparison.Ordinal);
    }

    // In a method of its own: a lambda cannot be made where a lease is a local.
    private static Exception Refuse(MemoryRuntime runtime) => Record.Exception(runtime.Dispose);

    private static MemoryRuntime NewRuntime(FaultyPlatform platform) =>
        new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false }, platform, isShared: false);

    /// <summary>Makes a runtime, and somebody who listens to it alone.</summary>
    private static MeterListener ListenTo(FaultyPlatform platform, Action<string> measured, out MemoryRuntime runtime)
    {
        // Whoever makes an instrument publishes it: this thread, between these two lines.
        int maker = 0;
        var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (Environment.CurrentManagedThreadId == Volatile.Read(ref maker))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, _, _) => measured(instrument.Name));
        listener.Start();
        Volatile.Write(ref maker, Environment.CurrentManagedThreadId);
        runtime = NewRuntime(platform);
        Volatile.Write(ref maker, 0);
        return listener;
    }

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static void AwaitWaiting(Thread thread) =>
        Assert.True(SpinWait.SpinUntil(() => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));
}
