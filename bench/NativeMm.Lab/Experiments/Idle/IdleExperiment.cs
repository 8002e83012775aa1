using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Idle;

/// <summary>Whether memory comes back by itself when a service goes quiet.</summary>
internal sealed class IdleExperiment : IExperiment
{
    /// <inheritdoc/>
    public string Name => "idle";

    /// <inheritdoc/>
    public string Summary => "resident memory after a burst of 1 GiB on top of 256 MiB that stay; nothing runs, nothing is collected";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => AllocatorPeers.WithoutCollector;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } = [];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics => IdleMetrics.Definitions;

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } =
    [
        Bar.AtMostValue(5, CaseOf(AllocatorPeers.NativeMm), "rss_idle_excess"),
        Bar.AtMostValue(0, CaseOf(AllocatorPeers.NativeMm), "gc_collections"),
    ];

    /// <inheritdoc/>
    public TourPart Tour => new([CaseOf(AllocatorPeers.NativeMm), CaseOf(AllocatorPeers.Mimalloc)], LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) => selection.Threads is null or [1]
        ? selection.Variants.Select(CaseOf)
        : throw new LabUsageException("The idle experiment runs on 1 thread.");

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) =>
        AllocatorPeers.Accept<IdleMeasurement, Measurement>(
            request.Case.Variant, new IdleMeasurement(request.Quick ? IdlePlan.Small : IdlePlan.Full, request));

    private static Case CaseOf(Variant variant) => new("idle", variant.Name, 1, ParameterValues.None);
}
