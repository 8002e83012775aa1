using System.Diagnostics.Tracing;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

/// <summary>What a listener may do: everything, because events leave after the last lock and never from inside of themselves.</summary>
public sealed unsafe class EventReentryTests
{
    [Fact]
    public void Event_that_a_listener_causes_does_not_reach_him()
    {
        long marker = Random.Shared.NextInt64();
        int calls = 0;
        using var listener = new ActingListener(_ =>
        {
            calls++;
            NativeMmEventSource.Log.TrimPass(marker, 0, 0);
        })
        {
            ActsOnce = false,
        };
        listener.Begin(written => written.Payload!.Contains(marker));
        NativeMmEventSource.Log.OutOfMemory(marker, 0, 0);
        NativeMmEventSource.Log.OutOfMemory(marker, 0, 0);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Adoption_of_a_dead_thread_holds_no_lock()
    {
        using MemoryRuntime runtime = Make();
        using var listener = new ActingListener(_ => UseFromAnotherThread(runtime));
        int mine = 0;
        listener.Begin(written => written.EventName == "DeadThreadAdopted" && Environment.CurrentManagedThreadId == mine);
        for (int i = 0; i < 20 && listener.Acted == 0; i++)
        {
            StartGate.Run(1, _ =>
            {
                mine = Environment.CurrentManagedThreadId;
                runtime.Heap.Free(runtime.Heap.Alloc(100));
            });
        }

        Assert.NotEqual(0, listener.Acted);
        listener.AssertNoProblem();
    }

    [Fact]
    public void Trim_holds_no_lock()
    {
        using MemoryRuntime runtime = Make();
        int mine = Environment.CurrentManagedThreadId;
        using var listener = new ActingListener(_ => UseFromAnotherThread(runtime));
        listener.Begin(written => written.EventName == "TrimPass" && Environment.CurrentManagedThreadId == mine);
        byte* block = (byte*)runtime.Heap.Alloc(8 << 20);
        block[0] = 1;
        runtime.Heap.Free(block);
        Assert.NotEqual(0u, runtime.Trim());
        Assert.NotEqual(0, listener.Acted);
        listener.AssertNoProblem();
    }

    [Fact]
    public void Mistake_that_a_trim_finds_holds_no_lock()
    {
        using MemoryRuntime runtime = Make();
        nint twice = (nint)runtime.Heap.Alloc(64);
        void* kept = runtime.Heap.Alloc(64);
        runtime.Heap.Free((void*)twice);
        runtime.Heap.Free((void*)twice);
        string address = $"0x{twice:x}";
        using var listener = new ActingListener(_ => UseFromAnotherThread(runtime));
        listener.Begin(written => written.EventName == "MemoryFault" && written.Payload!.Contains(address));
        runtime.Trim();
        Assert.NotEqual(0, listener.Acted);
        listener.AssertNoProblem();
        runtime.Heap.Free(kept);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Failure_of_a_device_holds_no_lock(bool byTrim)
    {
        using MemoryRuntime runtime = Make();
        if (runtime.Reporter.Device is { } own)
        {
            runtime.Reporter.Unregister(own);
        }

        string name = Guid.NewGuid().ToString();
        runtime.Reporter.Register(new FailingDevice(name));
        using var listener = new ActingListener(_ => UseFromAnotherThread(runtime));
        listener.Begin(written => written.EventName == "ReportingFailed" && ((string)written.Payload![0]!).Contains(name, StringComparison.Ordinal));
        runtime.Heap.Free(runtime.Heap.Alloc(2 << 20));
        _ = byTrim ? runtime.Trim() : ReportFreed(runtime);
        Assert.NotEqual(0, listener.Acted);
        listener.AssertNoProblem();
    }

    private static ulong ReportFreed(MemoryRuntime runtime)
    {
        runtime.Heap.Trim();
        return runtime.Reporter.ReportNow();
    }

    private static MemoryRuntime Make() => new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });

    /// <summary>Takes every lock of a runtime on a thread that has no cache yet. Would hang as long as the caller holds one of them.</summary>
    private static void UseFromAnotherThread(MemoryRuntime runtime) => StartGate.Run(
        1,
        _ =>
        {
            runtime.Heap.Free(runtime.Heap.Alloc(100));
            runtime.GetStatistics();
            runtime.Reporter.ReportNow();
            runtime.Trim();
        },
        TimeSpan.FromSeconds(20));

    private sealed class FailingDevice(string name) : IReportingDevice
    {
        public FrameContent Report(ReadOnlySpan<FrameRange> ranges) => throw new InvalidTimeZoneException(name);
    }

    /// <summary>Does something inside of events that a test waits for.</summary>
    private sealed class ActingListener(Action<EventWrittenEventArgs> act) : EventListener
    {
        private Func<EventWrittenEventArgs, bool>? _filter;
        private Exception? _problem;
        private int _acted;

        public int Acted => Volatile.Read(ref _acted);

        /// <summary>Whether only the first event counts: what a test does inside of it may cause more of the kind, on other threads.</summary>
        public bool ActsOnce { get; init; } = true;

        public void Begin(Func<EventWrittenEventArgs, bool> filter)
        {
            Volatile.Write(ref _filter, filter);
            EnableEvents(NativeMmEventSource.Log, EventLevel.Verbose);
        }

        /// <summary>What a listener throws, its source swallows.</summary>
        public void AssertNoProblem() => Assert.Null(_problem);

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (Volatile.Read(ref _filter) is not { } filter || !filter(eventData))
            {
                return;
            }

            if (Interlocked.Increment(ref _acted) > 1 && ActsOnce)
            {
                return;
            }

            try
            {
                act(eventData);
            }
            catch (Exception problem)
            {
                _problem = problem;
            }
        }
    }
}
