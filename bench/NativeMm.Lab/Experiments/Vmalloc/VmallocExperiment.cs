using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Contiguous ranges over scattered frames: the kernel's own tests, and what a purge does to everybody else.</summary>
internal sealed class VmallocExperiment : IExperiment
{
    /// <inheritdoc/>
    public string Name => "vmalloc";

    /// <inheritdoc/>
    public string Summary => "contiguous pages: the tests of the kernel's vmalloc module, drain, flush and storm; an operation allocates, writes and frees";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => VmallocVariants.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters => VmallocParameters.All;

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "wall time in which each thread performs one operation; drain: of one area freed and drained; storm: of one area", IsHeadline: true),
        new("ops_per_second", "1/s", "operations of all threads together", LowerIsBetter: false),
        new("passed", "1", "operations that got what they asked for", LowerIsBetter: false),
        new("failed", "1", "operations that were refused something; align_shift_alloc asks for the impossible"),
        new("loops", "1", "operations performed, warming up included", LowerIsBetter: false),
        new("hold_max", "ns", "drain: longest hold of the lock of the free space", IsHeadline: true),
        new("hold_p999", "ns", "drain: hold of that lock that 99.9 % do not exceed"),
        new("alloc_max", "ns", "drain: longest allocation of a thread that has nothing to do with it"),
        new("alloc_p999", "ns", "drain: what 99.9 % of its allocations do not exceed", IsHeadline: true),
        new("free_max", "ns", "drain: longest free", IsHeadline: true),
        new("free_p999", "ns", "drain: what 99.9 % of the frees do not exceed"),
        new("drain_ns", "ns", "drain: longest purge, from taking the freed ranges until the last is free space", IsHeadline: true),
        new("unmaps_per_million_frees", "1", "flush, and drain with mapped areas: system calls that unmap", IsHeadline: true),
        new("shootdowns_per_million_frees", "1", "flush: interrupts to drop translations, of the whole machine", IsHeadline: true),
        new("outstanding_max", "1", "drain and storm: most freed pages at one moment that waited for a purge or were being unmapped"),
        new("outstanding_bound", "1", "storm: freed pages that there may be at one moment"),
        new("over_bound", "1", "storm: times that there were more"),
        new("frames_lost", "1", "storm: frames that are not free again at the end"),
        new("ranges_lost", "1", "storm: pages of address space that are not free again at the end"),
        new("purges", "1", "drain and storm: purges"),
        new("throttled_frees", "1", "storm: frees that were slowed down because the bound was near"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = VmallocBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
        [
            .. from v in (Variant[])[VmallocVariants.NativeMm, VmallocVariants.Mmap] select TestCase(v, 2, VmallocTest.FixSize, "1"),
            .. from v in (Variant[])[VmallocVariants.NativeMm, VmallocVariants.Unsorted]
               select DrainCase(v, "32768", DrainLayout.Alternating, PurgePolicyText.Default),
            StormCase(VmallocVariants.NativeMm, 2, PurgePolicyText.Default),
        ],
        LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) => new VmallocPlan(selection).Cases();

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => request.Parameters["test"]! switch
    {
        VmallocTest.Drain => new DrainMeasurement(request).Measure(),
        VmallocTest.Storm => new StormMeasurement(request).Measure(),
        VmallocTest.Flush => VmallocVariants.Accept(
            request.Case.Variant,
            VmallocOptions.Of(request, LazyMaxText.Parse(request.Parameters["lazy_max"] ?? LazyMaxText.Default)),
            new FlushMeasurement(request)),
        _ => VmallocVariants.Accept(request.Case.Variant, VmallocOptions.Of(request, 0), new TestMeasurement(request)),
    };

    /// <summary>The case of a test of the kernel's module.</summary>
    /// <param name="variant">The variant.</param>
    /// <param name="threads">Number of threads.</param>
    /// <param name="test">The test.</param>
    /// <param name="pages">Pages of an area; without meaning where the test has its own.</param>
    internal static Case TestCase(Variant variant, int threads, string test, string pages) =>
        CaseOf(variant, threads, VmallocTest.HasPages(test) ? ParameterValues.Of("test", test, "pages", pages) : ParameterValues.Of("test", test));

    /// <summary>A case of drain. It has two threads: one frees, the other has nothing to do with it.</summary>
    internal static Case DrainCase(Variant variant, string areas, string layout, string policy, string mapped = DrainMapping.No) =>
        CaseOf(variant, 2, ParameterValues.Of("test", VmallocTest.Drain, "areas", areas, "layout", layout, "policy", policy, "mapped", mapped));

    /// <summary>A case of flush. Who never lets ranges wait has no number of pages that may.</summary>
    internal static Case FlushCase(Variant variant, int threads, string lazyMax) =>
        CaseOf(
            variant,
            threads,
            VmallocVariants.IsLazy(variant.Name)
                ? ParameterValues.Of("test", VmallocTest.Flush, "lazy_max", lazyMax)
                : ParameterValues.Of("test", VmallocTest.Flush));

    /// <summary>A case of storm: so many producers.</summary>
    internal static Case StormCase(Variant variant, int threads, string policy) =>
        CaseOf(variant, threads, ParameterValues.Of("test", VmallocTest.Storm, "policy", policy));

    private static Case CaseOf(Variant variant, int threads, ParameterValues parameters) => new("vmalloc", variant.Name, threads, parameters);
}
