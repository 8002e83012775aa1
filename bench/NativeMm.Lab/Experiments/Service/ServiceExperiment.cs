using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Service;

/// <summary>A service that is a cache, over HTTP on the loopback address, with its values in arrays or in native memory.</summary>
internal sealed class ServiceExperiment : IExperiment
{
    /// <summary>Text.</summary>
    public const string Compressible = "compressible";

    /// <summary>Random bytes.</summary>
    public const string Incompressible = "incompressible";

    private const string BarGib = "4";

    // Less than half of what two cores answer. At a fifth of it a managed store of 4 GiB does not collect within the phase at all, which would say nothing of pauses.
    private const string Rate = "10000";

    private static readonly Variant s_native = new("nativemm", "NativeCache, Kestrel's pool of NativeMm") { IsOurs = true };
    private static readonly Variant s_managed = new("managed", "arrays in a MemoryCache, the server's own pool");
    private static readonly Variant s_hybrid = new("hybrid", "HybridCache without a second tier");

    /// <inheritdoc/>
    public string Name => "service";

    /// <inheritdoc/>
    public string Summary => "a cache behind GET, PUT and DELETE over HTTP: latency, pauses of the collector, resident memory";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants { get; } = [s_native, s_managed, s_hybrid];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Number("gib", "GiB of values; MiB in the quick form", 1, 64, "1", BarGib, "8"),
        ParameterDefinition.Choice("values", "what the values are", Compressible, Incompressible),
        ParameterDefinition.Number("rate", "requests a second while latencies are recorded", 1, 1_000_000, Rate),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("p999", "ns", "99.9 % of the requests at a rate were answered after at most this, from when they were due", IsHeadline: true),
        new("p50", "ns", "half of them"),
        new("p99", "ns", "99 % of them"),
        new("max", "ns", "all of them"),
        new("requests_per_second", "1/s", "as fast as 16 connections go", LowerIsBetter: false),
        new("pauses", "1", "pauses of the collector while latencies were recorded"),
        new("pause_max", "ns", "the longest one"),
        new("pause_share", "%", "their share of the time"),
        new("gen2", "1", "collections of the oldest generation meanwhile"),
        new("resident_per_byte", "1", "resident bytes above those of the empty service, by bytes of values"),
        new("resident_after_drop", "1", "the same 15 s after nine tenths of the values were removed, by bytes of the values that are left"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } =
    [
        .. ((string[])[Compressible, Incompressible]).SelectMany(values => (Bar[])
        [
            Bar.AtMostTimes(0.2, Of(s_native, values), Of(s_managed, values), "p999"),
            Bar.AtMostTimes(0.1, Of(s_native, values), Of(s_managed, values), "pause_max"),
            Bar.AtLeastTimes(1.0, Of(s_native, values), Of(s_managed, values), "requests_per_second"),
            Bar.AtMostValue(values == Compressible ? 0.6 : 1.1, Of(s_native, values), "resident_per_byte"),
            Bar.AtMostValue(1.1, Of(s_native, values), "resident_after_drop"),
        ]),
    ];

    /// <inheritdoc/>
    public TourPart Tour { get; } = new([Of(s_native, Compressible), Of(s_managed, Compressible)], LaunchesMax: 1);

    /// <inheritdoc/>
    public string SeriesUnit => "ns";

    /// <summary>A launch takes minutes, and has forty thousand requests to draw from.</summary>
    public int Launches => 1;

    /// <inheritdoc/>
    public TimeSpan Patience => TimeSpan.FromMinutes(25);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        if (selection.Threads is not (null or [1]))
        {
            throw new LabUsageException("The service experiment runs on 1 thread; both processes have threads of their own.");
        }

        return from gib in selection.Values["gib"]
               from values in selection.Values["values"]
               from rate in selection.Values["rate"]
               from variant in selection.Variants
               select Of(variant, values, gib, rate);
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => ServiceMeasurement.Measure(
        request,
        long.Parse(request.Parameters["gib"]!, CultureInfo.InvariantCulture) << (request.Quick ? 20 : 30),
        request.Parameters["values"]!,
        request.Parameters["rate"]!);

    private static Case Of(Variant variant, string values, string gib = BarGib, string rate = Rate) =>
        new("service", variant.Name, 1, ParameterValues.Of("gib", gib, "values", values, "rate", rate));
}
