using NativeMm.Diagnostics;

namespace NativeMm.Runtime;

/// <content>What a listener of metrics may ask, at any moment and also when the runtime is gone.</content>
public sealed partial class MemoryRuntime
{
    private RuntimeMeter MakeMeter()
    {
        var self = new WeakReference<MemoryRuntime>(this);
        var meter = new RuntimeMeter(Heap.Name);
        meter.AddBytes("memory.reserved", "Address space that the runtime holds.", () => (long?)Count(self)?.ReservedBytes);
        meter.AddBytes("memory.committed", "Bytes that the operating system may hold memory for.", () => (long?)Count(self)?.CommittedBytes);
        meter.AddBytes("memory.in_use", "Bytes in the hands of the program.", () => (long?)Count(self)?.InUseBytes);
        meter.AddBytes("memory.retained", "Committed bytes that nobody uses.", () => (long?)Count(self)?.RetainedBytes);
        meter.AddTotal("memory.returned", "By", "Bytes given back to the operating system.", () => (long?)Count(self)?.ReturnedBytes);
        meter.AddTotal(
            "reporting.bytes", "By", "Bytes of free frames that the reporting device took note of.", () => (long?)Count(self)?.Reporting.ReportedBytes);
        meter.AddTotal("reporting.failures", "{call}", "Calls of the reporting device that failed.", () => Count(self)?.Reporting.DeviceFailures);
        meter.AddTotal("trim.passes", "{pass}", "Trim passes made.", () => Count(self)?.TrimPasses);
        return meter;
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
            return runtime.CountEverything();
        }
        finally
        {
            runtime._end.Exit();
        }
    }
}
