using System.Diagnostics.Metrics;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Slabs;

namespace NativeMm.Extensions;

/// <summary>
/// What of the meter <c>NativeMm</c> belongs to the process and to no runtime. There is one such meter, whatever the number of hosts: from the first start of a host
/// to the end of the last one, so that who listens by name counts nothing twice. All instruments are observable. Thread-safe.
/// </summary>
internal sealed class ProcessMeter : IDisposable
{
    private static SleepLock s_lock;
    private static Meter? s_meter;
    private static int s_users;

    private bool _isPublished;

    /// <summary>Publishes the instruments, unless another host of the process did.</summary>
    public void Publish()
    {
        Meter? made = null;
        using (s_lock.EnterScope())
        {
            if (!_isPublished)
            {
                _isPublished = true;
                made = s_users++ == 0 ? s_meter = new Meter(new MeterOptions("NativeMm") { Version = typeof(ProcessMeter).Assembly.GetName().Version?.ToString(3) }) : null;
            }
        }

        // Listeners are told of instruments where they are made, so not under the lock.
        if (made is not null)
        {
            Fill(made);
        }
    }

    /// <summary>Ends the instruments with the last host that published them.</summary>
    public void Dispose()
    {
        Meter? ended = null;
        using (s_lock.EnterScope())
        {
            if (_isPublished)
            {
                _isPublished = false;
                if (--s_users == 0)
                {
                    (ended, s_meter) = (s_meter, null);
                }
            }
        }

        ended?.Dispose();
    }

    private static void Fill(Meter meter)
    {
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
        // The pools of several servers in a process have the same name; a series of a meter has one value.
        var values = new List<Measurement<long>>();
        foreach (IGrouping<string, BufferPoolStatistics> pools in SlabStores.All().GroupBy(pool => pool.Name, pool => pool.GetStatistics()))
        {
            Add("used", now => now.RentedNowBytes);
            Add("retained", now => now.PooledBytes);
            Add("returned", now => long.Max(now.ReservedBytes - now.RentedNowBytes - now.PooledBytes, 0));

            void Add(string state, Func<BufferPoolStatistics, long> read) => values.Add(new Measurement<long>(
                pools.Sum(read),
                new KeyValuePair<string, object?>("nativemm.pool.name", pools.Key),
                new KeyValuePair<string, object?>("nativemm.memory.state", state)));
        }

        return values;
    }

    /// <summary>As attributes are written: <c>double_free</c>.</summary>
    internal static string FaultName(MemoryFaultKind kind) => string.Concat(kind.ToString().Select((letter, at) =>
        at > 0 && char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
