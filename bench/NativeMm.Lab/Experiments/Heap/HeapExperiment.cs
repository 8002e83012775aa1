using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Small programs that do nothing but allocate and free.</summary>
internal sealed class HeapExperiment : IExperiment
{
    private const long SizeMax = 64 << 20;

    /// <inheritdoc/>
    public string Name => "heap";

    /// <inheritdoc/>
    public string Summary => "patterns of allocating and freeing; an operation is one allocation and one free";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => AllocatorPeers.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("pattern", "how blocks live and die", HeapPattern.All),
        ParameterDefinition.Number("size", "bytes of a block, where a pattern has one size", 1, SizeMax, "64", "4096", "65536"),
        new(
            "sizes",
            "the sizes of mixed: log-normal, or so many size classes in use, each as often as any other",
            [SizeMixture.LogNormal],
            SizeMixture.Normalize,
            $"{SizeMixture.LogNormal} or a whole number from 1 to {SizeMixture.ClassesMax}"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "wall time in which each thread (each pair for remote) performs one operation: flat means perfect scaling", IsHeadline: true),
        new("ops_per_second", "1/s", "operations of all threads together", LowerIsBetter: false),
        .. DepotLocks.Definitions,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = HeapBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
    [
        .. TourCases(HeapPattern.Pair, "65536", 1),
        .. TourCases(HeapPattern.Batch, "64", 1),
        .. TourCases(HeapPattern.Random, "4096", 1),
        .. TourCases(HeapPattern.Mixed, null, 2),
        .. TourCases(HeapPattern.Remote, "64", 2),
        .. TourCases(HeapPattern.Churn, "64", 2),
    ],
    RunSettings.RepeatDefault);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<string> patterns = selection.Values["pattern"];
        RejectMeaningless(selection, patterns);
        foreach (string pattern in patterns)
        {
            IReadOnlyList<int> threads = selection.Threads ?? HeapPattern.ThreadsDefault(pattern);
            foreach (ParameterValues parameters in ParametersOf(pattern, selection))
            {
                foreach (int count in threads.Where(t => HeapPattern.Fits(pattern, t)))
                {
                    foreach (Variant variant in selection.Variants)
                    {
                        yield return new Case(Name, variant.Name, count, parameters);
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) =>
        AllocatorPeers.Accept<HeapMeasurement, Measurement>(request.Case.Variant, new HeapMeasurement(request));

    /// <summary>The case of a pattern.</summary>
    internal static Case CaseOf(Variant variant, int threads, string pattern, string? size) =>
        new("heap", variant.Name, threads, size is null ? ParameterValues.Of("pattern", pattern) : ParameterValues.Of("pattern", pattern, "size", size));

    /// <summary>The case of pattern mixed with so many size classes in use.</summary>
    internal static Case MixedCaseOf(Variant variant, int threads, string classes) =>
        new("heap", variant.Name, threads, ParameterValues.Of("pattern", HeapPattern.Mixed, "sizes", classes));

    private static IEnumerable<ParameterValues> ParametersOf(string pattern, Selection selection)
    {
        if (HeapPattern.OneSize.Contains(pattern))
        {
            return selection.Values["size"].Select(size => ParameterValues.Of("pattern", pattern, "size", size));
        }

        return pattern != HeapPattern.Mixed
            ? [ParameterValues.Of("pattern", pattern)]
            : selection.Values["sizes"].Select(sizes => sizes == SizeMixture.LogNormal
                ? ParameterValues.Of("pattern", pattern)
                : ParameterValues.Of("pattern", pattern, "sizes", sizes));
    }

    private static IEnumerable<Case> TourCases(string pattern, string? size, int threads)
    {
        Variant[] variants = size == "65536"
            ? [AllocatorPeers.NativeMm, AllocatorPeers.Glibc, AllocatorPeers.Mimalloc, AllocatorPeers.ArrayPool]
            : [AllocatorPeers.NativeMm, AllocatorPeers.Mimalloc];
        return variants.Select(v => CaseOf(v, threads, pattern, size));
    }

    private static void RejectMeaningless(Selection selection, IReadOnlyList<string> patterns)
    {
        if (selection.Threads is { } threads)
        {
            if (threads.Contains(0))
            {
                throw new LabUsageException("The heap experiment needs at least 1 thread.");
            }

            if (selection.Explicit.Contains("pattern") && patterns.FirstOrDefault(p => !threads.Any(t => HeapPattern.Fits(p, t))) is { } lonely)
            {
                throw new LabUsageException(string.Create(CultureInfo.InvariantCulture, $"Pattern {lonely} needs an even number of threads."));
            }
        }

        if (selection.Explicit.Contains("size") && !patterns.Any(HeapPattern.OneSize.Contains))
        {
            throw new LabUsageException($"Pattern {patterns[0]} has its own sizes; --set size has no meaning for it.");
        }

        if (selection.Explicit.Contains("sizes") && !patterns.Contains(HeapPattern.Mixed))
        {
            throw new LabUsageException("Only pattern mixed has several sizes; --set sizes has no meaning for the others.");
        }
    }
}
