using NativeMm.Lab.Experiments.Frames;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>What the vmalloc experiment must show.</summary>
internal static class VmallocBars
{
    private const string Time = "ns_per_op";
    private const string HoldMax = "hold_max";
    private const double Millisecond = 1e6;
    private const string AreasMost = "131072";

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        .. FixSize(),
        Bar.AtMostValue(1000, VmallocExperiment.FlushCase(VmallocVariants.NativeMm, 1, LazyMaxText.Default), "unmaps_per_million_frees"),
        .. Drain(VmallocExperiment.DrainCase(VmallocVariants.NativeMm, AreasMost, DrainLayout.Alternating, PurgePolicyText.Default)),
        .. Drain(VmallocExperiment.DrainCase(VmallocVariants.Lazy, AreasMost, DrainLayout.Alternating, "worker:100:pages")),
        .. Storm(VmallocVariants.NativeMm),
        .. Storm(VmallocVariants.Lazy),
    ];

    private static IEnumerable<Bar> FixSize()
    {
        Case one = VmallocExperiment.TestCase(VmallocVariants.NativeMm, 1, VmallocTest.FixSize, "1");
        Case two = VmallocExperiment.TestCase(VmallocVariants.NativeMm, 2, VmallocTest.FixSize, "1");
        yield return Bar.AtMostTimes(1.0 / 50, one, VmallocExperiment.TestCase(VmallocVariants.Mmap, 1, VmallocTest.FixSize, "1"), Time);
        yield return Bar.AtMostTimes(8.5, one, FrameBars.Ideal(1), Time);
        yield return FrameBars.Scaling(0.9, two, one);
    }

    // The second policy has the defaults' lock release and executor, but lets everything wait until one purge takes all of it.
    private static IEnumerable<Bar> Drain(Case drain)
    {
        Case unsorted = VmallocExperiment.DrainCase(VmallocVariants.Unsorted, AreasMost, DrainLayout.Alternating, PurgePolicyText.Default);
        yield return Bar.AtMostTimes(1.0 / 50, drain, unsorted, HoldMax);
        yield return Bar.AtMostValue(Millisecond, drain, HoldMax);
    }

    private static IEnumerable<Bar> Storm(Variant variant)
    {
        Case storm = VmallocExperiment.StormCase(variant, 2, PurgePolicyText.Default);
        yield return Bar.AtMostValue(0, storm, "over_bound");
        yield return Bar.AtMostValue(0, storm, "frames_lost");
        yield return Bar.AtMostValue(0, storm, "ranges_lost");
    }
}
