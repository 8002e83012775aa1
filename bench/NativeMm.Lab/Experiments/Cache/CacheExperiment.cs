using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>What a cache hits, how long its calls take, and what an item costs.</summary>
internal sealed class CacheExperiment : IExperiment
{
    /// <summary>Items while calls are timed.</summary>
    public const string ItemsOfCalls = "100000";

    /// <summary>Items while memory is measured.</summary>
    public const string ItemsOfMemory = "1000000";

    private const string OneVictim = "1";

    /// <inheritdoc/>
    public string Name => "cache";

    /// <inheritdoc/>
    public string Summary => "caches in the process: hit ratios on traces, times of get and set, memory of an item of 15 bytes of key and 100 of value";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => CacheVariants.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("part", "what is measured", CachePart.All),
        new(
            "traces",
            $"hits: folder of recorded traces; {CacheTraces.None}: the lab's own synthetic ones",
            [CacheTraces.FolderBeside is null ? CacheTraces.None : CacheTraces.Beside],
            value => value is CacheTraces.None or CacheTraces.Beside ? value : Directory.Exists(value) ? Path.GetFullPath(value) : null,
            "a folder that exists, or none"),
        ParameterDefinition.Choice("trace", "hits: which ones; all that are there unless it is set", [.. CacheTraces.Recorded, .. CacheTraces.Own]),
        ParameterDefinition.Number("entries", "hits: entries that stay; a list for each trace unless it is set", 16, 16 << 20, ["1000"]),
        ParameterDefinition.Number("victims", "hits: how many entries nativemm and clock choose at once", 1, 64, OneVictim),
        ParameterDefinition.Number("items", $"the other parts: items; {ItemsOfMemory} for memory unless it is set", 1000, 16 << 20, ItemsOfCalls),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("hit_rate", "%", "hits: requests whose key was there", IsHeadline: true, LowerIsBetter: false),
        new("points_behind", "%", "hits: what is missing to the best of lru, s3-fifo and concurrent-lfu; less than 0 when it is better"),
        new("looks_per_victim", "1", "hits: entries the hand passed to find a victim"),
        new("ns_per_op", "ns", "get, set, mixed: wall time of a call of each thread, copy of the value included", IsHeadline: true),
        new("allocated_per_op", "By", "get, set, mixed: managed bytes allocated by a call"),
        new("bytes_per_item", "By", "memory: what became resident, by the items", IsHeadline: true),
        new("counted_bytes_per_item", "By", "memory: what the cache, or for managed ones the collector, says it takes"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars => CacheBars.All;

    /// <inheritdoc/>
    public TourPart Tour { get; } = new(
    [
        .. ((Variant[])[CacheVariants.NativeMm, CacheVariants.ConcurrentLfu]).Select(v => HitsOf(v, CacheTraces.OwnPrefix + "loop", SyntheticCacheTrace.Entries)),
        .. ((Variant[])[CacheVariants.NativeMm, CacheVariants.ConcurrentLru]).Select(v => CaseOf(v, 1, CachePart.Get, ItemsOfCalls)),
    ],
    LaunchesMax: 1);

    /// <summary>The recorded traces of a folder, or the lab's own where there is none.</summary>
    public static IEnumerable<string> DefaultTraces(string? folder) => folder is null ? CacheTraces.Own : CacheTraces.In(folder);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection) =>
        selection.Values["part"].SelectMany(part => part == CachePart.Hits ? PlanHits(selection) : PlanCalls(selection, part));

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) =>
        request.Parameters["part"] == CachePart.Hits ? HitMeasurement.Measure(request) : CacheMeasurement.Measure(request);

    /// <summary>The case of a trace with one victim at once.</summary>
    internal static Case HitsOf(Variant variant, string trace, int entries) => HitsOf(variant, trace, entries, OneVictim, null);

    /// <summary>The case of a part that is not about traces.</summary>
    internal static Case CaseOf(Variant variant, int threads, string part, string items) =>
        new("cache", variant.Name, threads, ParameterValues.Of("part", part, "items", items));

    // What is as always is not part of the name.
    private static Case HitsOf(Variant variant, string trace, int entries, string victims, string? folder)
    {
        var values = new List<string> { "part", CachePart.Hits, "trace", trace, "entries", entries.ToString(CultureInfo.InvariantCulture) };
        values.AddRange(victims == OneVictim ? [] : ["victims", victims]);
        values.AddRange(folder is null ? [] : ["traces", folder]);
        return new Case("cache", variant.Name, 1, ParameterValues.Of([.. values]));
    }

    private static IEnumerable<Case> PlanHits(Selection selection)
    {
        string given = selection.Values["traces"] is [var one] ? one : throw new LabUsageException("There is one folder of cache traces at a time.");
        string? folder = given switch
        {
            CacheTraces.None => null,
            CacheTraces.Beside => CacheTraces.FolderBeside,
            _ => given,
        };
        string[] traces = selection.Explicit.Contains("trace") ? [.. selection.Values["trace"]] : [.. DefaultTraces(folder)];
        if (traces.Except([.. CacheTraces.Own, .. folder is null ? [] : CacheTraces.In(folder)]).FirstOrDefault() is { } missing)
        {
            throw new LabUsageException($"Cache trace {missing} is not here: --set traces=FOLDER says where, and docs/lab.md where they are from.");
        }

        if (folder is null)
        {
            Console.Error.WriteLine("There are no recorded cache traces here: hit ratios are those of synthetic ones. docs/lab.md says where recorded ones are from.");
        }

        return from trace in traces
               from entries in selection.Explicit.Contains("entries")
                   ? selection.Values["entries"].Select(text => int.Parse(text, CultureInfo.InvariantCulture))
                   : CacheTraces.EntriesOf(trace)
               from victims in selection.Values["victims"]
               from variant in CacheVariants.Of(CachePart.Hits).Where(selection.Variants.Contains)
               where victims == OneVictim || variant == CacheVariants.NativeMm || variant == CacheVariants.Clock
               select HitsOf(variant, trace, entries, victims, given == CacheTraces.Beside || folder is null ? null : folder);
    }

    private static IEnumerable<Case> PlanCalls(Selection selection, string part)
    {
        IReadOnlyList<int> threads = CachePart.IsTimed(part) ? selection.Threads ?? [1, 2] : [1];
        if (threads.Contains(0))
        {
            throw new LabUsageException("The cache experiment needs at least 1 thread.");
        }

        return from items in part == CachePart.Memory && !selection.Explicit.Contains("items") ? [ItemsOfMemory] : selection.Values["items"]
               from count in threads
               from variant in CacheVariants.Of(part).Where(selection.Variants.Contains)
               select CaseOf(variant, count, part, items);
    }
}
