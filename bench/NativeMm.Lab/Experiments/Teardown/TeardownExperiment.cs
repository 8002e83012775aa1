using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>How soon much memory is given back, by how many threads, and at what price.</summary>
internal sealed class TeardownExperiment : IExperiment
{
    private static readonly string[] s_pages = ["4", "2048"];

    /// <inheritdoc/>
    public string Name => "teardown";

    /// <inheritdoc/>
    public string Summary => "parallel free: real memory and full address spaces, given back by one thread, by batches and by ranges; the threads of a case are the most that may work";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => TeardownVariants.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("part", "what is given back", TeardownPart.All),
        ParameterDefinition.Number("gib", "GiB of a space (spaces, balanced, one-full, many-small, nodes, interference), at most 320", 1, 320, "32"),
        ParameterDefinition.Number("mib", "release, trim, file: MiB of real memory", 64, 1 << 20, "8192"),
        new("pages", "release, trim: KiB of a page; 64 needs a system that has such pages", s_pages, value => value is "4" or "64" or "2048" ? value : null, "4|64|2048"),
        ParameterDefinition.Number("nodes", "nodes: how many there are", 1, 107, "1", "4", "16", "107"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("seconds", "s", "wall time until all is given back", IsHeadline: true),
        new("cpu_seconds", "s", "processor time of all threads for it", IsHeadline: true),
        new("return_ns", "ns", "unwaited: until the caller goes on"),
        new("gib_per_second", "1/s", "GiB given back in a second", LowerIsBetter: false),
        new("width", "1", "threads that worked at a time"),
        new("tables", "1", "spaces: page tables that were there"),
        new("quiet_p99_ns", "ns", "interference: a fault that one in a hundred is slower than, alone"),
        new("p99_ns", "ns", "interference: the same beside a teardown"),
        new("p99_ratio", "1", "interference: the one by the other"),
        new("ns_per_op", "ns", "small: time of one end"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = TeardownBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
        [
            ReleaseCase(TeardownVariants.Inline, 1, "128", "4"),
            ReleaseCase(TeardownVariants.Range, 2, "128", "4"),
            ReleaseCase(TeardownVariants.Inline, 1, "128", "2048"),
            SpaceCase(TeardownVariants.Inline, 1, TeardownPart.Spaces, "1"),
            SpaceCase(TeardownVariants.Range, 2, TeardownPart.Spaces, "1"),
        ],
        LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<int> threads = selection.Threads ?? [1, 2, 4, 8, 16, 32];
        if (threads.Contains(0))
        {
            throw new LabUsageException("The teardown experiment needs at least 1 thread.");
        }

        return from part in selection.Values["part"]
               from count in threads
               from variant in selection.Variants
               where TeardownVariants.Does(variant, part, count)
               from measured in CasesOf(selection, variant, count, part)
               select measured;
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => request.Parameters["part"] switch
    {
        TeardownPart.Release or TeardownPart.Trim => new ReleaseMeasurement(request).Run(),
        TeardownPart.File => new FileMeasurement(request).Run(),
        TeardownPart.Interference => new InterferenceMeasurement(request).Run(),
        TeardownPart.Small => SmallMeasurement.Run(request),
        _ => new SpacesMeasurement(request).Run(),
    };

    /// <summary>A case of real memory.</summary>
    internal static Case ReleaseCase(Variant variant, int threads, string mebibytes, string pages) =>
        new("teardown", variant.Name, threads, ParameterValues.Of("part", TeardownPart.Release, "mib", mebibytes, "pages", pages));

    /// <summary>A case of a trim.</summary>
    internal static Case TrimCase(Variant variant, int threads, string mebibytes, string pages) =>
        new("teardown", variant.Name, threads, ParameterValues.Of("part", TeardownPart.Trim, "mib", mebibytes, "pages", pages));

    /// <summary>A case of a memory file.</summary>
    internal static Case FileCase(Variant variant, int threads, string mebibytes) =>
        new("teardown", variant.Name, threads, ParameterValues.Of("part", TeardownPart.File, "mib", mebibytes));

    /// <summary>A case of a space.</summary>
    internal static Case SpaceCase(Variant variant, int threads, string part, string gibibytes) =>
        new("teardown", variant.Name, threads, ParameterValues.Of("part", part, "gib", gibibytes));

    /// <summary>The case below the floor.</summary>
    internal static Case SmallCase(Variant variant, int threads) =>
        new("teardown", variant.Name, threads, ParameterValues.Of("part", TeardownPart.Small));

    private static IEnumerable<Case> CasesOf(Selection selection, Variant variant, int threads, string part) => part switch
    {
        TeardownPart.Release =>
            from mebibytes in selection.Values["mib"] from pages in selection.Values["pages"] select ReleaseCase(variant, threads, mebibytes, pages),
        TeardownPart.Trim =>
            from mebibytes in selection.Values["mib"] from pages in selection.Values["pages"] select TrimCase(variant, threads, mebibytes, pages),
        TeardownPart.File => from mebibytes in selection.Values["mib"] select FileCase(variant, threads, mebibytes),
        TeardownPart.Small => [SmallCase(variant, threads)],
        TeardownPart.Nodes =>
            from gibibytes in selection.Values["gib"]
            from nodes in selection.Values["nodes"]
            select new Case("teardown", variant.Name, threads, ParameterValues.Of("part", part, "gib", gibibytes, "nodes", nodes)),
        _ => from gibibytes in selection.Values["gib"] select SpaceCase(variant, threads, part, gibibytes),
    };
}
