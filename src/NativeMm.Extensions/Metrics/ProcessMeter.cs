using System.Diagnostics.Metrics;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Slabs;

namespace NativeMm.Extensions;

/// <summary>What of the meter <c>NativeMm</c> belongs to the process and to no runtime. All instruments are observable.</summary>
/// <param name="meters">Makes the meter, and ends it.</param>
internal sealed class ProcessMeter(IMeterFactory meters)
{
    private bool _isPublished;

    /// <summary>Publishes the instruments, once.</summary>
    public void Publish()
    {
        if (_isPublished)
        {
            return;
        }

        _isPublished = true;
        Meter meter = meters.Create(new MeterOptions("NativeMm") { Version = typeof(ProcessMeter).Assembly.GetName().Version?.ToString(3) });
        meter.CreateObservableCounter("nativemm.faults", ReadFaults, "{fault}", "Mistakes with memory that were found, by their kind.");
        meter.CreateObservableCounter(
            "nativemm.allocations.failed", () => MemoryFaultCounts.FailedAllocations, "{allocation}", "Allocations of heaps that failed for lack of memory.");
        meter.CreateObservableCounter("nativemm.page_faults", ReadPageFaults, "{fault}", "Page faults of the process; major ones wait for a device.");
        meter.CreateObservableUpDownCounter(
            "nativemm.pool.used", ReadPools, "By", "Bytes of pools over managed arrays: rented, kept for the next rent, given back.");
    }

    private static IEnumerable<Measurement<long>> ReadFaults() => Enum.GetValues<MemoryFaultKind>()
        .Select(kind => new Measurement<long>(MemoryFaultCounts.Of(kind), new KeyValuePair<string, object?>("nativemm.fault.kind", FaultName(kind))));

    private static IEnumerable<Measurement<long>> ReadPageFaults() => Platform.ProcessMemory.ReadPageFaults(out long minor, out long major).Succeeded
        ?
        [
            new Measurement<long>(minor, new KeyValuePair<string, object?>("nativemm.page_fault.type", "minor")),
            new Measurement<long>(major, new KeyValuePair<string, object?>("nativemm.page_fault.type", "major")),
        ]
        : [];

    private static List<Measurement<long>> ReadPools()
    {
        var values = new List<Measurement<long>>();
        foreach (ITrimmedPool pool in SlabStores.All())
        {
            BufferPoolStatistics now = pool.GetStatistics();
            Add("used", now.RentedNowBytes);
            Add("retained", now.PooledBytes);
            Add("returned", long.Max(now.ReservedBytes - now.RentedNowBytes - now.PooledBytes, 0));

            void Add(string state, long bytes) => values.Add(new Measurement<long>(
                bytes,
                new KeyValuePair<string, object?>("nativemm.pool.name", pool.Name),
                new KeyValuePair<string, object?>("nativemm.memory.state", state)));
        }

        return values;
    }

    /// <summary>As attributes are written: <c>double_free</c>.</summary>
    internal static string FaultName(MemoryFaultKind kind) => string.Concat(kind.ToString().Select((letter, at) =>
        at > 0 && char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
