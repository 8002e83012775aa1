namespace NativeMm.Lab.Experiments.Cache;

/// <summary>What must come out.</summary>
internal static class CacheBars
{
    private const double PointsMax = 1;
    private const double BytesPerItemMax = 155;

    /// <summary>All of them: on the recorded traces where they are, on the lab's own elsewhere.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        .. from trace in CacheExperiment.DefaultTraces(CacheTraces.FolderBeside)
           from entries in CacheTraces.EntriesOf(trace)
           select Bar.AtMostValue(PointsMax, CacheExperiment.HitsOf(CacheVariants.NativeMm, trace, entries), "points_behind"),
        .. ((int[])[1, 2]).SelectMany(threads => (Bar[])
        [
            Bar.AtMostTimes(1.0, GetOf(CacheVariants.NativeMm, threads), GetOf(CacheVariants.ConcurrentLru, threads), "ns_per_op"),
            Bar.AtMostValue(0, GetOf(CacheVariants.NativeMm, threads), "allocated_per_op"),
        ]),
        Bar.AtMostValue(BytesPerItemMax, CacheExperiment.CaseOf(CacheVariants.NativeMm, 1, CachePart.Memory, CacheExperiment.ItemsOfMemory), "bytes_per_item"),
    ];

    private static Case GetOf(Variant variant, int threads) => CacheExperiment.CaseOf(variant, threads, CachePart.Get, CacheExperiment.ItemsOfCalls);
}
