using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>Replays recorded allocation traces of real programs.</summary>
internal sealed class TraceExperiment : IExperiment
{
    private const string Native = "native-";

    private static readonly Variant s_nativeMimalloc = Preloaded(AllocatorPeers.Mimalloc, LibraryLocator.Mimalloc);
    private static readonly Variant s_nativeGlibc = new(Native + "glibc", "the replay in C under the C library")
    {
        IsYardstick = true,
        Missing = NativeReplay.Missing,
    };


    /// <inheritdoc/>
    public string Name => "trace";

    /// <inheritdoc/>
    public string Summary => "recorded allocation traces of real programs, replayed; --threads 0 is one thread for each recorded one";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants { get; } = [.. AllocatorPeers.All, s_nativeMimalloc, s_nativeGlibc];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } = [TraceLocator.Parameter];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "wall time of a record", IsHeadline: true),
        new("rss_peak", "By", "resident bytes at the peak, above the loaded trace", IsHeadline: true),
        .. DepotLocks.Definitions,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = TraceBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
        [.. TraceLocator.Names.SelectMany(trace => TourVariants.Select(variant => CaseOf(variant, 1, trace)))],
        RunSettings.RepeatDefault);

    private static IReadOnlyList<Variant> TourVariants { get; } =
        [AllocatorPeers.NativeMm, AllocatorPeers.Glibc, AllocatorPeers.Mimalloc, s_nativeMimalloc];

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<int> threads = selection.Threads ?? [1];
        if (threads.Any(t => t > 1))
        {
            throw new LabUsageException("A trace is replayed with --threads 1 (in recorded order) or --threads 0 (on as many threads as recorded it).");
        }

        foreach (string trace in selection.Values["trace"])
        {
            // A broken file must be one clear line now, not the failure of every child.
            TraceReader.ReadFile(TraceLocator.Get(trace));
            foreach (int count in threads)
            {
                foreach (Variant variant in selection.Variants.Where(v => count == 1 || !IsNative(v.Name)))
                {
                    yield return CaseOf(variant, count, trace);
                }
            }
        }
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request)
    {
        string file = TraceLocator.Get(request.Parameters["trace"]!);
        if (IsNative(request.Case.Variant))
        {
            return NativeReplay.Measure(file, request);
        }

        var measurement = new TraceMeasurement(TraceReader.ReadFile(file), request);
        return AllocatorPeers.Accept<TraceMeasurement, Measurement>(request.Case.Variant, measurement);
    }

    /// <summary>The case of a trace.</summary>
    internal static Case CaseOf(Variant variant, int threads, string trace) =>
        new("trace", variant.Name, threads, ParameterValues.Of("trace", trace));

    /// <summary>The C replay under mimalloc.</summary>
    internal static Variant NativeMimalloc => s_nativeMimalloc;

    private static bool IsNative(string variant) => variant.StartsWith(Native, StringComparison.Ordinal);

    private static Variant Preloaded(Variant peer, string? library) =>
        new(Native + peer.Name, $"the replay in C under {peer.Name}")
        {
            IsYardstick = true,
            Missing = NativeReplay.Missing ?? peer.Missing,
            Environment = library is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["LD_PRELOAD"] = library },
        };
}
