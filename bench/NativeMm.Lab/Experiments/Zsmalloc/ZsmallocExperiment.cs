using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Dense storage behind handles: locks, density, compaction, and the store of compressed pages on top.</summary>
internal sealed class ZsmallocExperiment : IExperiment
{
    private const string ExperimentName = "zsmalloc";
    private const int CompactorsMax = 64;

    /// <inheritdoc/>
    public string Name => ExperimentName;

    /// <inheritdoc/>
    public string Summary => "objects of the sizes of compressed pages behind handles: locks, density, compaction, and the page store on top";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => ZsVariants.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("part", "what is looked at", ZsPart.All),
        ParameterDefinition.Number("compactors", "threads that compact, in locks and (from 1) in compaction", 0, CompactorsMax, "0", "1", "2", "4"),
        ParameterDefinition.Number("size", "bytes of an object in pair and read", 1, PoolWorker.BytesMax, "256"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ops_per_second", "1/s", "locks: calls of all workers together", IsHeadline: true, LowerIsBetter: false),
        new("contentions_per_million", "1", "locks: how often somebody waited for a lock, by a million calls", IsHeadline: true),
        new("bytes_per_byte", "1", "density: bytes held by bytes stored, after every page was replaced once", IsHeadline: true),
        new("compaction_time", "ns", "compaction: until the last compactor was done", IsHeadline: true),
        new("bytes_per_second", "By/s", "store, load: bytes of uncompressed pages, all threads together", IsHeadline: true, LowerIsBetter: false),
        new("ns_per_op", "ns", "pair: an allocation and a free; read: opening, looking and closing", IsHeadline: true),
        new("read_p999", "ns", "locks: the time that 99.9 % of the reads do not exceed"),
        .. LockMetrics.Definitions,
        new("bytes_per_byte_fresh", "1", "density: the same when every page was stored once"),
        new("bytes_per_byte_halved", "1", "density: the same when any half was removed after that"),
        new("resident_per_byte", "1", "density: bytes that became resident by bytes stored, after every page was replaced once"),
        new("bytes_per_class_byte", "1", "density: bytes of the pool's frames by the sum of the objects' class sizes"),
        new("metadata_per_object", "By", "density: bytes beside the frames, by objects"),
        new("overhead_per_object", "By", "density: bytes that an object's class and handle take beyond its own, by objects"),
        new("frames_freed", "1", "compaction: frames that it freed", LowerIsBetter: false),
        new("frames_freed_share", "%", "compaction: the part of the pool's frames that it freed", LowerIsBetter: false),
        new("bytes_copied", "By", "compaction: bytes that it copied"),
        new("worker_ops_per_second", "1/s", "compaction: calls of the workers meanwhile", LowerIsBetter: false),
        new("worker_ops_share", "%", "compaction: the same by what they do undisturbed", LowerIsBetter: false),
        new("ratio", "1", "store, load: bytes of the pages by the bytes of the compressed pages", LowerIsBetter: false),
        new("memory_ratio", "1", "store, load: bytes of many copies of the pages by the frames and the index that they take", LowerIsBetter: false),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = ZsmallocBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
        [
            CaseOf(ZsPools.PerClass, 2, ZsPart.Locks, "1"),
            CaseOf(ZsPools.Pool, 2, ZsPart.Locks, "1"),
            CaseOf(ZsPools.PerClass, 1, ZsPart.Density),
            .. ZsVariants.Density.Select(v => CaseOf(v, 1, ZsPart.Density)),
            CaseOf(PageStores.Stores[0], 1, ZsPart.Store),
            CaseOf(PageStores.Codecs[0], 1, ZsPart.Store),
        ],
        LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<string> parts = selection.Values["part"];
        RejectMeaningless(selection, parts);

        // Missing or broken pages must be one clear line now, not the failure of every child.
        PageSet.ReadShipped();
        return from part in parts
               from last in LastValues(selection, part)
               from threads in ThreadsOf(selection, part)
               from variant in ZsVariants.Of(part)
               where selection.Variants.Contains(variant)
               select CaseOf(variant, threads, part, last);
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => request.Parameters["part"] switch
    {
        ZsPart.Locks => MeasureLocks(request),
        ZsPart.Density => new DensityRun(CompressedPages.Shipped(), ZsPlan.Of(request).StoredCopies).Measure(request.Case.Variant),
        ZsPart.Compaction => Accept(request, new CompactionRun(request, CompressedPages.Shipped().Sizes)),
        ZsPart.Store or ZsPart.Load => PageStores.Measure(request),
        ZsPart.Pair or ZsPart.Read => Accept(request, new PairRun(request)),
        string other => throw new ArgumentException($"There is no part {other}."),
        null => throw new ArgumentException("The request names no part."),
    };

    /// <summary>The case of a part.</summary>
    /// <param name="variant">Who.</param>
    /// <param name="threads">Workers.</param>
    /// <param name="part">The part.</param>
    /// <param name="last">Compactors of a part that has compactors, or the size of the objects of a part that has one.</param>
    internal static Case CaseOf(Variant variant, int threads, string part, string? last = null) => new(
        ExperimentName,
        variant.Name,
        threads,
        last is null ? ParameterValues.Of("part", part) : ParameterValues.Of("part", part, ZsPart.HasCompactors(part) ? "compactors" : "size", last));

    private static IEnumerable<string?> LastValues(Selection selection, string part)
    {
        if (ZsPart.HasCompactors(part))
        {
            return selection.Values["compactors"].Where(c => FitsCompactors(part, c));
        }

        IEnumerable<string?> none = [null];
        return ZsPart.HasSize(part) ? selection.Values["size"] : none;
    }

    private static IEnumerable<int> ThreadsOf(Selection selection, string part) =>
        (selection.Threads ?? (part == ZsPart.Compaction ? [1] : [1, 2])).Where(t => t == 1 || !ZsPart.IsSingleThreaded(part));

    private static bool FitsCompactors(string part, string compactors) =>
        part != ZsPart.Compaction || int.Parse(compactors, CultureInfo.InvariantCulture) > 0;

    private static void RejectMeaningless(Selection selection, IReadOnlyList<string> parts)
    {
        if (selection.Threads is { } threads)
        {
            if (threads.Contains(0))
            {
                throw new LabUsageException("The zsmalloc experiment needs at least 1 thread.");
            }

            if (selection.Explicit.Contains("part") && parts.FirstOrDefault(p => ZsPart.IsSingleThreaded(p) && !threads.Contains(1)) is { } lonely)
            {
                throw new LabUsageException($"Part {lonely} runs on 1 thread.");
            }
        }

        if (selection.Explicit.Contains("compactors"))
        {
            if (!parts.Any(ZsPart.HasCompactors))
            {
                throw new LabUsageException("Only the parts locks and compaction have compactors; --set compactors has no meaning here.");
            }

            if (parts.All(p => p == ZsPart.Compaction) && !selection.Values["compactors"].Any(c => FitsCompactors(ZsPart.Compaction, c)))
            {
                throw new LabUsageException("Part compaction needs at least 1 compactor.");
            }
        }

        if (selection.Explicit.Contains("size") && !parts.Any(ZsPart.HasSize))
        {
            throw new LabUsageException("Only the parts pair and read have a size; --set size has no meaning here.");
        }
    }

    private static Measurement Accept<TVisitor>(MeasurementRequest request, TVisitor visitor)
        where TVisitor : IPoolVisitor<Measurement> => ZsPools.Accept<TVisitor, Measurement>(request.Case.Variant, accounting: false, visitor);

    // Keeping the account costs the locks time, so it is taken in a second run after the figures, with a fixed amount of work.
    private static Measurement MeasureLocks(MeasurementRequest request)
    {
        int[] sizes = CompressedPages.Shipped().Sizes;
        string variant = request.Case.Variant;
        var account = new LockAccountRun(request, sizes, ZsPlan.Of(request).AccountedOperations);
        Measurement result = Accept(request, new ThroughputRun(request, sizes));
        ZsPools.Accept<LockAccountRun, Measurement>(variant, accounting: true, new LockAccountRun(request, sizes, 0) { WarmUp = true });
        Measurement locks = ZsPools.Accept<LockAccountRun, Measurement>(variant, accounting: true, account);
        foreach ((string metric, double value) in locks.Metrics)
        {
            result.Add(metric, value);
        }

        return result;
    }
}
