using NativeMm.Heap;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments;

/// <summary>
/// Where threads of NativeMm's heap wait for each other: in the depot of a size class, which blocks of up to 2 MiB come and go by. The counts are
/// always kept; they are read around work of a known number of operations that is not timed.
/// </summary>
internal static class DepotLocks
{
    // Of fewer operations the locks of a pass in the background are most.
    private const double OperationsMin = 1000;

    /// <summary>The metrics.</summary>
    public static IReadOnlyList<MetricDefinition> Definitions { get; } =
    [
        new("depot_locks_per_thousand", "1", "nativemm: how often the lock of a size class is taken in a thousand operations", IsExplanation: true),
        new("depot_waits_per_million", "1", "nativemm: how often that means waiting, in a million operations", IsExplanation: true),
        new("depot_waits_at", "By", "nativemm: the block size whose lock is waited for most often; not there when nobody waits", IsExplanation: true),
    ];

    /// <summary>Counts during some work, where it is NativeMm's heap that works.</summary>
    /// <typeparam name="TAllocator">Who works.</typeparam>
    /// <param name="measurement">Where the figures go.</param>
    /// <param name="operations">How many operations the work is.</param>
    /// <param name="work">What is done once more, beside the timing.</param>
    public static void AddTo<TAllocator>(Measurement measurement, double operations, Action work)
    {
        if (typeof(TAllocator) == typeof(NativeMmAllocator) && !NativeHeap.Shared.IsChecked && operations >= OperationsMin)
        {
            // A look takes each lock once, too.
            long earlier = NativeHeap.Shared.GetStatistics().LockAcquisitions;
            HeapStatistics before = NativeHeap.Shared.GetStatistics();
            work();
            AddTo(measurement, before, NativeHeap.Shared.GetStatistics(), before.LockAcquisitions - earlier, operations);
        }
    }

    /// <summary>Makes figures of two looks at a heap.</summary>
    /// <param name="measurement">Where they go.</param>
    /// <param name="before">The first look.</param>
    /// <param name="after">The second look.</param>
    /// <param name="ofLook">How often a look itself takes a lock.</param>
    /// <param name="operations">How many operations lie between the two.</param>
    internal static void AddTo(Measurement measurement, HeapStatistics before, HeapStatistics after, long ofLook, double operations)
    {
        measurement
            .Add("depot_locks_per_thousand", long.Max(0, after.LockAcquisitions - before.LockAcquisitions - ofLook) * 1e3 / operations)
            .Add("depot_waits_per_million", (after.LockContentions - before.LockContentions) * 1e6 / operations);

        // A class without a slab has no row, so nothing is known of what it had counted before.
        (ulong Bytes, long Waits) most =
            (from row in after.Classes
             join earlier in before.Classes on row.BlockBytes equals earlier.BlockBytes
             select (row.BlockBytes, row.LockContentions - earlier.LockContentions)).DefaultIfEmpty().MaxBy(found => found.Item2);
        if (most.Waits > 0)
        {
            measurement.Add("depot_waits_at", most.Bytes);
        }
    }
}
