using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;

namespace NativeMm.Lab.Experiments.Codec;

/// <summary>Which library should compress pages.</summary>
internal sealed class CodecExperiment : IExperiment
{
    private const string CompressTime = "compress_ns";

    /// <inheritdoc/>
    public string Name => "codec";

    /// <inheritdoc/>
    public string Summary => "codecs over the pages of real programs, one page of 4 KiB at a time; same-filled pages left out";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => CodecVariants.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } = [];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new(CompressTime, "ns", "wall time in which each thread compresses a page", IsHeadline: true),
        new("decompress_ns", "ns", "wall time in which each thread restores a page", IsHeadline: true),
        new("ratio", "1", "bytes of the pages by bytes of their compressed form", LowerIsBetter: false),
        new("incompressible", "1", "pages that do not fit into 3632 bytes and would be stored as they are"),
        new("allocated_per_page", "By", "managed bytes allocated for a page, there and back"),
    ];

    /// <summary>None: it is a choice that is to be made, not a promise.</summary>
    public IReadOnlyList<Bar> Bars { get; } = [];

    /// <inheritdoc/>
    public TourPart Tour => new([], LaunchesMax: 0);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<int> threads = selection.Threads ?? [1, 2];
        if (threads.Contains(0))
        {
            throw new LabUsageException("The codec experiment needs at least 1 thread.");
        }

        if (PageSet.ShippedFile is null)
        {
            // One clear line now rather than the failure of every child.
            PageSet.ReadShipped();
        }

        return from count in threads from variant in selection.Variants select new Case(Name, variant.Name, count, ParameterValues.None);
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) =>
        new CodecMeasurement(CodecVariants.CodecOf(request.Case.Variant), PageSet.ReadShipped()).Measure(request);
}
