using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Locality;

/// <summary>Over how much memory an allocator spreads a program's stores: an answer where hardware counters are missing.</summary>
internal sealed class LocalityExperiment : IExperiment
{
    /// <inheritdoc/>
    public string Name => "locality";

    /// <inheritdoc/>
    public string Summary => "different cache lines and pages under the first and last byte of the blocks that a trace is given, a thousand records";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => AllocatorPeers.WithoutCollector;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } = [TraceLocator.Parameter];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("lines_per_thousand", "1", "different lines of 64 bytes in a thousand records", IsHeadline: true),
        new("pages_per_thousand", "1", "different pages of 4 KiB in a thousand records", IsHeadline: true),
        new("cache_misses_per_thousand", "1", "stores that miss 32 KiB in 8 ways, simulated"),
        new("translation_misses_per_thousand", "1", "stores that miss 64 translations in 4 ways, simulated"),
    ];

    /// <summary>None: this explains figures of others and promises nothing.</summary>
    public IReadOnlyList<Bar> Bars { get; } = [];

    /// <inheritdoc/>
    public TourPart Tour => new([], LaunchesMax: 0);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) => selection.Threads is null or [1]
        ? from trace in selection.Values[TraceLocator.Parameter.Name]
          from variant in selection.Variants
          select new Case(Name, variant.Name, 1, ParameterValues.Of(TraceLocator.Parameter.Name, trace))
        : throw new LabUsageException("The locality experiment runs on 1 thread.");

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request)
    {
        string file = TraceLocator.Get(request.Parameters[TraceLocator.Parameter.Name]!);
        return AllocatorPeers.Accept<LocalityMeasurement, Measurement>(request.Case.Variant, new LocalityMeasurement(TraceReader.ReadFile(file)));
    }
}
