using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>How fast a memory larger than its budget is, and how often a page is there.</summary>
internal sealed class PagedExperiment : IExperiment
{
    private const string BudgetDefault = "64";
    private const string HitRate = "hit_rate";
    private const string Throughput = "bytes_per_second";

    /// <summary>The library's policy.</summary>
    public static readonly Variant NativeMm = new("nativemm", "PagedMemory with its own policy") { IsOurs = true };

    /// <summary>The baseline.</summary>
    public static readonly Variant Clock = new("clock", "PagedMemory with second chance (CLOCK)");

    private static readonly Lazy<string?> s_noMapping = new(() => MappedPages.Obstacle);

    /// <summary>The system's way.</summary>
    public static readonly Variant Mapped = new("mapped-file", "MemoryMappedFile on disk, in a control group of the budget") { IsYardstick = true, FindMissing = s_noMapping };

    /// <summary>The same with what PagedMemory takes in all where pages compress to a third.</summary>
    public static readonly Variant MappedTwice =
        new("mapped-file-2x", "the same in a control group of twice the budget, for the compressed pages count as well") { IsYardstick = true, FindMissing = s_noMapping };

    /// <inheritdoc/>
    public string Name => "paged";

    /// <inheritdoc/>
    public string Summary => "whole pages of a memory larger than its budget, read and written in several orders";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants { get; } = [NativeMm, Clock, Mapped, MappedTwice];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("pattern", "order of the pages", PagePattern.All),
        ParameterDefinition.Number("budget", "MiB that may be resident", 1, 65_536, BudgetDefault),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "wall time of an access to a page of 4096 bytes", IsHeadline: true),
        new(Throughput, "By/s", "bytes that were read and written", LowerIsBetter: false),
        new(HitRate, "%", "accesses whose page was there", IsHeadline: true, LowerIsBetter: false),
        new("ratio", "1", "bytes of the pages that left by bytes of the frames that hold them", LowerIsBetter: false),
        new("stall_share", "%", "of the time, that in which the thread waited for a page"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } =
    [
        Bar.AtLeastValue(45, CaseOf(NativeMm, PagePattern.Loop, BudgetDefault), HitRate),
        Bar.AtLeastTimes(1, CaseOf(NativeMm, PagePattern.Zipf, BudgetDefault), CaseOf(Clock, PagePattern.Zipf, BudgetDefault), HitRate),
        Bar.AtLeastTimes(3, CaseOf(NativeMm, PagePattern.Zipf, BudgetDefault), CaseOf(Mapped, PagePattern.Zipf, BudgetDefault), Throughput),
    ];

    /// <inheritdoc/>
    public TourPart Tour => new(
        [.. from pattern in new[] { PagePattern.Zipf, PagePattern.Loop } from variant in new[] { NativeMm, Clock } select CaseOf(variant, pattern, BudgetDefault)],
        LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) => selection.Threads is null or [1]
        ? from pattern in selection.Values["pattern"]
          from budget in selection.Values["budget"]
          from variant in selection.Variants
          select CaseOf(variant, pattern, budget)
        : throw new LabUsageException("The paged experiment runs on 1 thread.");

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => new PagedMeasurement(request).Run();

    private static Case CaseOf(Variant variant, string pattern, string budget) =>
        new("paged", variant.Name, 1, ParameterValues.Of("pattern", pattern, "budget", budget));
}
