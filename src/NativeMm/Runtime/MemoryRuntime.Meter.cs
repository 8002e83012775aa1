using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <content>What a listener of metrics may ask, at any moment and also when the runtime is gone.</content>
public sealed partial class MemoryRuntime
{
    private RuntimeMeter MakeMeter()
    {
        var self = new WeakReference<MemoryRuntime>(this);
        var meter = new RuntimeMeter(Heap.Name);
        RisingTotal[] waits = [new(), new(), new()];
        meter.AddBytes(
            "memory.used",
            "Bytes that were ever made accessible: in the hands of the program, kept for it, on the way back, back with the operating system.",
            "nativemm.memory.state",
            () => CountMemory(self) is { } now ? StatesOf(now) : null);
        meter.AddBytes(
            "subsystem.used",
            "Bytes in the hands of the program, by who gave them out.",
            "nativemm.subsystem",
            () => Count(self) is { } now ? SubsystemsOf(now) : null);
        meter.AddBytes("memory.reserved", "Address space that the runtime holds.", () => (long?)CountMemory(self)?.ReservedBytes);
        meter.AddBytes("memory.committed", "Bytes that the operating system may hold memory for.", () => (long?)CountMemory(self)?.CommittedBytes);
        meter.AddTotal("memory.returned", "By", "Bytes given back to the operating system.", () => (long?)Count(self)?.ReturnedBytes);
        meter.AddTotal("vmap.purges", "{purge}", "Purges of lazily freed ranges.", () => Count(self)?.Vmap?.Purges);
        var compacted = new RisingTotal();
        meter.AddTotal(
            "zsmalloc.compacted",
            "By",
            "Bytes of frames that compaction of pools freed.",
            () => Count(self) is { } now ? (long?)compacted.With(now.FramesCompacted * (long)Pfn.FrameBytes) : null);
        meter.AddTotal(
            "lock.contentions",
            "{contention}",
            "Waits for a lock.",
            "nativemm.lock",
            () => Count(self) is { } now ? ContentionsOf(now, waits) : null);
        meter.AddTotal(
            "reporting.bytes", "By", "Bytes of free frames that the reporting device took note of.", () => (long?)Count(self)?.Reporting.ReportedBytes);
        meter.AddTotal("reporting.failures", "{call}", "Calls of the reporting device that failed.", () => Count(self)?.Reporting.DeviceFailures);
        meter.AddTotal("trim.passes", "{pass}", "Trim passes made.", () => Count(self)?.TrimPasses);
        return meter;
    }

    /// <summary>What adds up to <see cref="RuntimeStatistics.OpenedBytes"/>.</summary>
    internal static IEnumerable<(string State, long Bytes)> StatesOf(RuntimeStatistics now)
    {
        // Blocks that come and go between two counts must not make a state negative.
        ulong used = ulong.Min(now.InUseBytes, now.CommittedBytes);
        yield return ("used", (long)used);
        ulong releasing = ulong.Min(now.ReleasingBytes, now.CommittedBytes - used);
        yield return ("retained", (long)(now.CommittedBytes - used - releasing));
        yield return ("releasing", (long)releasing);
        yield return ("returned", (long)(now.OpenedBytes > now.CommittedBytes ? now.OpenedBytes - now.CommittedBytes : 0));
    }

    private static (string Subsystem, long Bytes)[] SubsystemsOf(RuntimeStatistics now) =>
    [
        ("heap", (long)now.HeapBytes),
        ("zsmalloc", (long)now.PoolBytes),
        ("vmap", (long)now.VmapBytes),
        ("address_spaces", (long)now.SpaceBytes),
        ("caches", (long)now.CacheBytes),
    ];

    /// <summary>The waits so far. A heap or a pool that ends takes its count out of the statistics, and not out of the metric.</summary>
    private static (string Lock, long Count)[] ContentionsOf(RuntimeStatistics now, RisingTotal[] waits) =>
    [
        ("heap", waits[0].With(now.Contentions.Heap)),
        ("vmap", waits[1].With(now.Contentions.Vmap)),
        ("zsmalloc", waits[2].With(now.Contentions.Zsmalloc)),
    ];

    /// <summary>Counts everything; of a runtime that ends in the background, what is left of it.</summary>
    private static RuntimeStatistics? CountMemory(WeakReference<MemoryRuntime> self)
    {
        if (Count(self) is { } now)
        {
            return now;
        }

        return self.TryGetTarget(out MemoryRuntime? runtime) && runtime.BytesReleasing is { } left and > 0 ? RuntimeStatistics.OfReleasing((ulong)left) : null;
    }

    /// <summary>Counts everything, unless the runtime ends or has ended.</summary>
    private static RuntimeStatistics? Count(WeakReference<MemoryRuntime> self)
    {
        if (!self.TryGetTarget(out MemoryRuntime? runtime) || !runtime._end.TryEnter())
        {
            return null;
        }

        try
        {
            return runtime.CountEverything(withSpaces: false);
        }
        finally
        {
            runtime._end.Exit();
        }
    }
}
