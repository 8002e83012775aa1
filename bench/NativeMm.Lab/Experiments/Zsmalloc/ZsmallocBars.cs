using NativeMm.Lab.Experiments.Frames;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>What the zsmalloc experiment must show.</summary>
internal static class ZsmallocBars
{
    private const string Throughput = "ops_per_second";
    private static readonly string[] s_bytes = ["bytes_per_byte", "bytes_per_byte_halved"];

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } = [.. Locks(), .. Density(), .. Speed()];

    private static IEnumerable<Bar> Locks()
    {
        Case perClass = ZsmallocExperiment.CaseOf(ZsPools.PerClass, 2, ZsPart.Locks, "1");
        Case pool = ZsmallocExperiment.CaseOf(ZsPools.Pool, 2, ZsPart.Locks, "1");
        yield return Bar.AtMostTimes(1.0 / 20, perClass, pool, "contentions_per_million");
        yield return Bar.AtMostTimes(1.0 / 10, perClass, pool, "lock_wait_max");
        yield return Bar.AtLeastTimes(1.4, perClass, pool, Throughput);
        yield return FrameBars.Scaling(
            0.925,
            ZsmallocExperiment.CaseOf(ZsPools.PerClass, 2, ZsPart.Locks, "0"),
            ZsmallocExperiment.CaseOf(ZsPools.PerClass, 1, ZsPart.Locks, "0"));

        // What the one-compactor rule is for: with one compactor at a time less is waited for the lock, and it is held for less time.
        Case single = ZsmallocExperiment.CaseOf(ZsPools.PoolSingleCompactor, 2, ZsPart.Locks, "4");
        Case all = ZsmallocExperiment.CaseOf(ZsPools.Pool, 2, ZsPart.Locks, "4");
        yield return Bar.AtMostTimes(1.0, single, all, "lock_wait_total");
        yield return Bar.AtMostTimes(1.0, single, all, "lock_hold_total");
    }

    private static IEnumerable<Bar> Density()
    {
        Case ours = ZsmallocExperiment.CaseOf(ZsPools.PerClass, 1, ZsPart.Density);
        yield return Bar.AtMostValue(1.03, ours, "bytes_per_class_byte");
        foreach (string bytes in s_bytes)
        {
            foreach (Variant other in ZsVariants.Density)
            {
                yield return Bar.AtMostTimes(1.0, ours, ZsmallocExperiment.CaseOf(other, 1, ZsPart.Density), bytes);
            }
        }
    }

    private static IEnumerable<Bar> Speed()
    {
        yield return Bar.AtMostTimes(4.5, ZsmallocExperiment.CaseOf(ZsPools.PerClass, 1, ZsPart.Pair, "256"), FrameBars.Ideal(1), "ns_per_op");
        yield return Bar.AtMostTimes(2.2, ZsmallocExperiment.CaseOf(ZsPools.PerClass, 1, ZsPart.Read, "256"), FrameBars.Ideal(1), "ns_per_op");
        yield return Bar.AtLeastTimes(
            0.8,
            ZsmallocExperiment.CaseOf(PageStores.Stores[0], 1, ZsPart.Store),
            ZsmallocExperiment.CaseOf(PageStores.Codecs[0], 1, ZsPart.Store),
            "bytes_per_second");
    }
}
