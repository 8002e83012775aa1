using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>Faults of several threads in one address space, and who waits for whom.</summary>
internal sealed class FaultsExperiment : IExperiment
{
    private static readonly string[] s_accessPages = ["64", "4096", "131072"];
    private static readonly string[] s_duties = ["0", "50", "90"];

    /// <inheritdoc/>
    public string Name => "faults";

    /// <inheritdoc/>
    public string Summary => "demand-zero faults in one address space; an operation is a page, or a record of ebizzy";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => FaultVariants.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("pattern", "what the threads do", FaultPattern.All),
        ParameterDefinition.Number("duty", "layout: share of the time that one more thread changes the layout for, in percent", 0, 90, s_duties),
        ParameterDefinition.Number("pages", "access: how many pages; 0 for the other patterns", 0, 131_072, s_accessPages),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "time in which each thread touches a page, or makes a record: flat means perfect scaling", IsHeadline: true),
        new("ops_per_second", "1/s", "operations of all threads together", LowerIsBetter: false),
        new("p999_ns", "ns", "layout, collapse: the fault that one in a thousand is slower than"),
        new("success_share", "%", "faults that took no lock of the space", LowerIsBetter: false),
        new("attempts", "1", "faults that were tried without the lock", LowerIsBetter: false),
        new("successes", "1", "those that came through", LowerIsBetter: false),
        new("pte_lock", "1", "given up: the leaf was locked"),
        new("vma_changed", "1", "given up: the area changed"),
        new("noanon", "1", "given up: no table"),
        new("notsup", "1", "given up: not supported"),
        new("access", "1", "given up: the area does not allow it"),
        new("pmd_changed", "1", "given up: the tables changed"),
        new("not_attempted", "1", "not tried: no area, or no permit"),
        new("classic", "1", "faults under the lock"),
        new("frames_peak", "1", "permits that were out at most; a frame of a fault in flight lies in its permit, so there cannot be more"),
        new("changes_per_second", "1/s", "layout: areas mapped, protected and unmapped elsewhere meanwhile", LowerIsBetter: false),
        new("collapses", "1", "collapse: times that 512 pages were gathered into one of 2 MiB", LowerIsBetter: false),
        new("raw_ns", "ns", "access: by a raw pointer"),
        new("read_ns", "ns", "access: by Read"),
        new("lease_ns", "ns", "access: by a lease"),
        new("pin_ns", "ns", "access: by a pin"),
        new("read_extra_ns", "ns", "access: by Read, beyond a raw pointer"),
        new("lease_extra_ns", "ns", "access: by a lease, beyond a raw pointer"),
        new("read_ratio", "1", "access: by Read to a raw pointer"),
        new("lease_ratio", "1", "access: by a lease to a raw pointer"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = FaultBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
        [
            .. from variant in TourVariants select CaseOf(variant, 2, FaultPattern.Ebizzy, "0", "0"),
            .. from variant in TourVariants where variant.IsOurs select CaseOf(variant, 1, FaultPattern.Layout, "50", "0"),
        ],
        RunSettings.RepeatDefault);

    private static IReadOnlyList<Variant> TourVariants { get; } = [FaultVariants.Speculative, FaultVariants.Classic, FaultVariants.Kernel];

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<int> threads = selection.Threads ?? [1, 2, 4, 8];
        if (threads.Contains(0))
        {
            throw new LabUsageException("The faults experiment needs at least 1 thread.");
        }

        if (selection.Values["pattern"].Contains(FaultPattern.Access) && selection.Values["pages"].Contains("0"))
        {
            throw new LabUsageException("The pattern access needs at least 1 page.");
        }

        return from pattern in selection.Values["pattern"]
               from duty in pattern == FaultPattern.Layout ? selection.Values["duty"] : ["0"]
               from pages in pattern == FaultPattern.Access ? selection.Values["pages"] : ["0"]
               from count in pattern == FaultPattern.Access ? [1] : threads
               from variant in selection.Variants
               where FaultVariants.Does(variant, pattern)
               select CaseOf(variant, count, pattern, duty, pages);
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => new FaultMeasurement(request).Run();

    /// <summary>The case of a pattern.</summary>
    internal static Case CaseOf(Variant variant, int threads, string pattern, string duty, string pages) =>
        new("faults", variant.Name, threads, ParameterValues.Of("pattern", pattern, "duty", duty, "pages", pages));
}
