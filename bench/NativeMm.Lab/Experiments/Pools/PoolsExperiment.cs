using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Pools;

/// <summary>What a service does with buffers: a stream in memory that is written and read back, and a server that answers.</summary>
internal sealed class PoolsExperiment : IExperiment
{
    /// <summary>A stream.</summary>
    public const string Stream = "stream";

    /// <summary>A server that sends back what it got, 64 KiB.</summary>
    public const string Echo = "echo";

    /// <summary>A server that writes 400 KB at once.</summary>
    public const string Json = "json";

    private const string Time = "ns_per_op";
    private const string EchoBytes = "65536";
    private const string JsonBytes = "400000";

    private static readonly string[] s_sizes = ["1024", "16384", "262144", "4194304", "67108864"];
    private static readonly Variant s_native = new("nativemm", "NativeMemoryStream, NativeMemoryPoolFactory") { IsOurs = true };
    private static readonly Variant s_framework = new("framework", "MemoryStream, the server's own pool");
    private static readonly Variant s_recyclable = new("recyclable", "Microsoft.IO.RecyclableMemoryStream; streams only");

    /// <inheritdoc/>
    public string Name => "pools";

    /// <inheritdoc/>
    public string Summary => "buffers of a service: streams written and read back, a server that echoes 64 KiB and one that answers with 400 KB";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants { get; } = [s_native, s_framework, s_recyclable];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("work", "what is done", Stream, Echo, Json),
        ParameterDefinition.Number("size", "bytes of a stream", 1, 256 << 20, s_sizes),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new(Time, "ns", "wall time of a stream's life, or of a request", IsHeadline: true),
        new("allocated_per_op", "By", "managed bytes allocated for it"),
        new("gen2", "1", "collections of the oldest generation while the server was loaded"),
        new("kept", "%", "15 s after 256 requests that were under way at once, without a collection: of what they had added to the resident bytes, what is still there"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } =
    [
        .. s_sizes.SelectMany(size => ((Variant[])[s_framework, s_recyclable]).Select(peer => Bar.AtMostTimes(1.0, StreamOf(s_native, size), StreamOf(peer, size), Time))),
        Bar.AtMostTimes(1.0, ServerOf(s_native, Echo), ServerOf(s_framework, Echo), Time),
        Bar.AtMostTimes(1.0, ServerOf(s_native, Json), ServerOf(s_framework, Json), Time),
        Bar.AtMostValue(10, ServerOf(s_native, Echo), "kept"),
        Bar.AtMostValue(10, ServerOf(s_native, Json), "kept"),
    ];

    /// <inheritdoc/>
    public TourPart Tour => new([.. Variants.Select(variant => StreamOf(variant, "262144")), ServerOf(s_native, Echo), ServerOf(s_framework, Echo)], LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        if (selection.Threads is not (null or [1]))
        {
            throw new LabUsageException("The pools experiment runs on 1 thread; the server has threads of its own.");
        }

        foreach (string work in selection.Values["work"])
        {
            foreach (Variant variant in selection.Variants.Where(variant => work == Stream || variant != s_recyclable))
            {
                if (work != Stream)
                {
                    yield return ServerOf(variant, work);
                    continue;
                }

                foreach (string size in selection.Values["size"])
                {
                    yield return StreamOf(variant, size);
                }
            }
        }
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request)
    {
        string work = request.Parameters["work"]!;
        int size = int.Parse(request.Parameters["size"]!, CultureInfo.InvariantCulture);
        return work == Stream
            ? StreamMeasurement.Measure(request, size)
            : ServerMeasurement.MeasureAsync(request, work, size).GetAwaiter().GetResult();
    }

    private static Case StreamOf(Variant variant, string size) => new("pools", variant.Name, 1, ParameterValues.Of("work", Stream, "size", size));

    private static Case ServerOf(Variant variant, string work) =>
        new("pools", variant.Name, 1, ParameterValues.Of("work", work, "size", work == Echo ? EchoBytes : JsonBytes));
}
