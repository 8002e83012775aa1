using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Grow;

/// <summary>One block that grows by small steps to a large size, as a log or a document does.</summary>
internal sealed class GrowExperiment : IExperiment
{
    private const string Time = "ns_per_op";
    private const string ToDefault = "512";
    private const string ToQuick = "32";
    private const string StepDefault = "4096";

    /// <inheritdoc/>
    public string Name => "grow";

    /// <inheritdoc/>
    public string Summary => "one block grown by reallocation, step by step, to a large size; what is new is written, what is old is checked at the end";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => AllocatorPeers.WithoutCollector;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Number("to", "MiB at the end", 1, 4096, ToDefault),
        ParameterDefinition.Number("step", "bytes of a step", 64, 64 << 20, StepDefault),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new(Time, "ns", "wall time of a step", IsHeadline: true),
        new("seconds", "s", "wall time of the whole growth"),
        new("rss_peak", "By", "resident bytes at the peak, above the start"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } =
    [
        Bar.AtMostTimes(1.0, CaseOf(AllocatorPeers.NativeMm, ToDefault, StepDefault), CaseOf(AllocatorPeers.Tcmalloc, ToDefault, StepDefault), Time),
    ];

    /// <inheritdoc/>
    public TourPart Tour => new(
        [.. ((Variant[])[AllocatorPeers.NativeMm, AllocatorPeers.Glibc, AllocatorPeers.Tcmalloc]).Select(v => CaseOf(v, ToQuick, StepDefault))],
        LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) => selection.Threads is null or [1]
        ? from to in selection.Values["to"]
          from step in selection.Values["step"]
          from variant in selection.Variants
          select CaseOf(variant, to, step)
        : throw new LabUsageException("The grow experiment runs on 1 thread.");

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => AllocatorPeers.Accept<GrowMeasurement, Measurement>(
        request.Case.Variant,
        new GrowMeasurement(ulong.Parse(request.Parameters["to"]!, CultureInfo.InvariantCulture) << 20, NumberOf(request, "step"), request.Pin));

    private static int NumberOf(MeasurementRequest request, string key) => int.Parse(request.Parameters[key]!, CultureInfo.InvariantCulture);

    private static Case CaseOf(Variant variant, string to, string step) => new("grow", variant.Name, 1, ParameterValues.Of("to", to, "step", step));
}
