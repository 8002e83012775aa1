using System.Diagnostics;
using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>
/// What it costs to find, isolate and put back N free blocks in one go, to a device that does nothing; and how the cost grows with N. The
/// caches are cold when a round begins, as they are when a reporter comes round to memory that nobody used for seconds.
/// </summary>
internal sealed class ScanMeasurement(MeasurementRequest request)
{
    private const int RoundsMin = 5;

    // Beyond this one round tells enough: the square of a large number is late and never close.
    private const double LongRoundNanoseconds = 1e9;

    private readonly ColdCaches _caches = new();

    /// <summary>What comes out.</summary>
    public static IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("exponent", "1", "scan: exponent of the power law through the times of all sizes: 1 is linear", IsHeadline: true),
        new("ns_per_block", "ns", "scan: time of a block at the largest size; hint: of a free that reports", IsHeadline: true),
        .. ScanSizes.All.Select(size => new MetricDefinition(
            ScanSizes.MetricOf(size), "ns", string.Create(CultureInfo.InvariantCulture, $"scan: best time in which {size} blocks are reported"))),
    ];

    /// <summary>Measures a scheme at all sizes up to the one that was asked for.</summary>
    public Measurement Measure()
    {
        int largest = int.Parse(request.Parameters["blocks"]!, CultureInfo.InvariantCulture);
        int[] sizes = [.. ScanSizes.All.Where(size => size <= largest)];
        using var crew = new ThreadCrew(1, request.Pin);
        using (var small = new ScanWork(request.Case.Variant, sizes[0]))
        {
            Warmup.UntilCompilerIsQuiet(() => crew.Run(_ => WarmUp(small)));
        }

        var result = new Measurement();
        double[] times = new double[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            int index = i;
            crew.Run(_ => times[index] = Best(sizes[index]));
            result.Add(ScanSizes.MetricOf(sizes[i]), times[i]);
        }

        return result
            .Add("exponent", PowerLaw.Exponent([.. sizes.Select(size => (double)size)], times))
            .Add("ns_per_block", times[^1] / sizes[^1]);
    }

    private static void WarmUp(ScanWork work)
    {
        work.Prepare();
        work.Report();
    }

    /// <summary>Nanoseconds of the best of several rounds, each of which reports every free block of a zone.</summary>
    private double Best(int count)
    {
        using var work = new ScanWork(request.Case.Variant, count);
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        int rounds = 0;
        do
        {
            work.Prepare();
            _caches.Empty();
            long began = Stopwatch.GetTimestamp();
            work.Report();
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalNanoseconds);
            rounds++;
        }
        while (best < LongRoundNanoseconds && (rounds < RoundsMin || Stopwatch.GetElapsedTime(start).TotalSeconds < request.Seconds));

        return best;
    }
}
