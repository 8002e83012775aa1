using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>What an image of a live memory costs those who write to it.</summary>
internal sealed class SnapshotExperiment : IExperiment
{
    private const string SizeDefault = "1024";
    private const string SizeQuick = "128";
    private const string Slowdown = "slowdown";
    private const string Extra = "extra_share";

    private static readonly Variant s_nativemm = new("nativemm", "PagedMemory.Snapshot, copied to nowhere") { IsOurs = true };

    /// <inheritdoc/>
    public string Name => "snapshot";

    /// <inheritdoc/>
    public string Summary => "a thread that writes to pages at random while an image of the memory is taken and copied";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants { get; } = [s_nativemm];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } = [ParameterDefinition.Number("size", "MiB of the memory", 1, 65_536, SizeDefault)];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "time of a write during the snapshot", IsHeadline: true),
        new("before_ns", "ns", "time of a write before it"),
        new(Slowdown, "1", "the one by the other", IsHeadline: true),
        new("p99_ns", "ns", "the write that one in a hundred is slower than, during the snapshot"),
        new("max_ns", "ns", "the slowest write during the snapshot: it waited until the tables were copied"),
        new("take_ns", "ns", "time of Snapshot itself"),
        new("copy_seconds", "s", "time of the copy"),
        new("pages_dirtied", "1", "pages that were written while the image was there"),
        new(Extra, "%", "frames that the image took at most beyond those, of the memory's pages"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } =
    [
        Bar.AtMostValue(1 / 0.6, CaseOf(SizeDefault), Slowdown),
        Bar.AtMostValue(2, CaseOf(SizeDefault), Extra),
    ];

    /// <inheritdoc/>
    public TourPart Tour => new([CaseOf(SizeQuick)], LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) => selection.Threads is null or [1]
        ? from size in selection.Values["size"] from _ in selection.Variants select CaseOf(size)
        : throw new LabUsageException("The snapshot experiment has 1 thread that writes, and one that copies.");

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => new SnapshotMeasurement(request).Run();

    private static Case CaseOf(string size) => new("snapshot", s_nativemm.Name, 1, ParameterValues.Of("size", size));
}
