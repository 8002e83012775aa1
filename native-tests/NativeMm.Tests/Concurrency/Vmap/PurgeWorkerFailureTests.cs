using System.Diagnostics.Tracing;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>A purge that throws on the worker's thread.</summary>
public sealed unsafe class PurgeWorkerFailureTests
{
    [LinuxFact]
    public void It_is_counted_and_written_down_and_the_next_purge_comes()
    {
        HookedLazySet? lazy = null;
        using var recorder = new EventRecorder();
        var options = new VmapOptions { CapacityBytes = 16 << 20, WindowBytes = 64 << 20, LazyBytesMax = 64 << 10, PooledBytesMaxPerCore = 0 };
        using var vmap = new VmapAllocator(options, SystemPlatform.Current, makeLazySet: geometry => lazy = new HookedLazySet(geometry));
        string name = Guid.NewGuid().ToString();

        // A free near the bound purges by itself: the failure waits for the worker's own purge.
        void FailTheWorker()
        {
            if (Thread.CurrentThread.Name == "NativeMm purger")
            {
                throw new InvalidTimeZoneException(name);
            }

            lazy!.BeforeNextDetach(FailTheWorker);
        }

        lazy!.BeforeNextDetach(FailTheWorker);
        Use(vmap, () => vmap.GetStatistics().PurgeFailures != 0);
        VmapStatistics after = vmap.GetStatistics();
        Assert.Equal((1, $"InvalidTimeZoneException: {name}"), (after.PurgeFailures, after.LastPurgeFailure));

        // It is counted before it is told.
        Assert.True(SpinWait.SpinUntil(() => recorder.Events.Any(IsTheFailure), StartGate.DefaultTimeout));
        bool IsTheFailure(EventWrittenEventArgs e) => e.EventName == "BackgroundPassFailed" && ((string)e.Payload![1]!).Contains(name, StringComparison.Ordinal);
        long purges = vmap.GetStatistics().Purges;
        Use(vmap, () => vmap.GetStatistics().Purges > purges);
        vmap.Validate();
    }

    private static void Use(VmapAllocator vmap, Func<bool> isDone)
    {
        long end = Environment.TickCount64 + (long)StartGate.DefaultTimeout.TotalMilliseconds;
        while (!isDone())
        {
            Assert.True(Environment.TickCount64 < end, "The worker's thread is gone.");
            vmap.Free(vmap.Alloc(32 << 10));
        }
    }
}
