using System.Diagnostics;
using System.Globalization;
using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Lab.Harness;
using NativeMm.Reporting;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>
/// What it costs to find, isolate and put back N free blocks in one go, to a device that does nothing; and how the cost grows with N.
/// </summary>
internal static class ScanMeasurement
{
    private const int RoundsMin = 3;
    private const int RoundsMax = 1000;

    // Beyond this one round tells enough: the square of a large number is late and never close.
    private const double LongRoundNanoseconds = 1e9;

    private static readonly PageReporterOptions s_options = new()
    {
        BlockOrder = FreeBlocks.Order.Value,
        PieceOrder = FreeBlocks.Order.Value,
    };

    /// <summary>What comes out.</summary>
    public static IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("exponent", "1", "scan: exponent of the power law through the times of all sizes: 1 is linear", IsHeadline: true),
        new("ns_per_block", "ns", "scan: time of a block at the largest size; hint: of a free that reports", IsHeadline: true),
        .. ScanSizes.All.Select(size => new MetricDefinition(
            ScanSizes.MetricOf(size), "ns", string.Create(CultureInfo.InvariantCulture, $"scan: best time in which {size} blocks are reported"))),
    ];

    /// <summary>Measures a scheme at all sizes up to the one that was asked for.</summary>
    public static Measurement Measure(MeasurementRequest request)
    {
        int largest = int.Parse(request.Parameters["blocks"]!, CultureInfo.InvariantCulture);
        int[] sizes = [.. ScanSizes.All.Where(size => size <= largest)];
        using var crew = new ThreadCrew(1, request.Pin);
        Warmup.UntilCompilerIsQuiet(() => crew.Run(_ => Best(request.Case.Variant, sizes[0], seconds: 0, roundsMax: 1)));
        var result = new Measurement();
        double[] times = new double[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            int index = i;
            crew.Run(_ => times[index] = Best(request.Case.Variant, sizes[index], request.Seconds, RoundsMax));
            result.Add(ScanSizes.MetricOf(sizes[i]), times[i]);
        }

        return result
            .Add("exponent", PowerLaw.Exponent([.. sizes.Select(size => (double)size)], times))
            .Add("ns_per_block", times[^1] / sizes[^1]);
    }

    /// <summary>The best time of several rounds, each of which reports every free block of a zone.</summary>
    private static double Best(string variant, int count, double seconds, int roundsMax)
    {
        using FreeBlocks blocks = FreeBlocks.Create(count);
        if (variant == ReportingVariants.Hint.Name)
        {
            using var hinted = new HintedFrames(new BuddyFrameAllocator(blocks.Zone), new NullDevice(), FreeBlocks.Order);
            return Best(blocks, hinted, seconds, roundsMax, unmeasured: () => { }, measured: () => blocks.PutBack(hinted), () => hinted.Hints);
        }

        IReportableFrames scheme = ScanSchemes.Create(variant, blocks.Zone, FreeBlocks.Order);
        using IFrameAllocator allocator = scheme.Frames;
        using var reporter = new PageReporter(scheme, s_options, TimeProvider.System);
        reporter.Register(new NullDevice());
        return Best(
            blocks, allocator, seconds, roundsMax, () => blocks.PutBack(allocator), () => reporter.ReportNow(), () => reporter.GetStatistics().ReportedBlocks);
    }

    private static double Best(
        FreeBlocks blocks, IFrameAllocator allocator, double seconds, int roundsMax, Action unmeasured, Action measured, Func<long> reported)
    {
        blocks.Lay(allocator);
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        int rounds = 0;
        do
        {
            best = Math.Min(best, Round(blocks, allocator, unmeasured, measured, reported));
            rounds++;
        }
        while (rounds < roundsMax && best < LongRoundNanoseconds && (rounds < RoundsMin || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds));

        return best;
    }

    private static double Round(FreeBlocks blocks, IFrameAllocator allocator, Action unmeasured, Action measured, Func<long> reported)
    {
        blocks.Take(allocator);
        unmeasured();
        long before = reported();
        long start = Stopwatch.GetTimestamp();
        measured();
        double time = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        long found = reported() - before;
        return found == blocks.Count
            ? time
            : throw new InvalidOperationException($"{found} blocks were reported, and {blocks.Count} are free.");
    }
}
