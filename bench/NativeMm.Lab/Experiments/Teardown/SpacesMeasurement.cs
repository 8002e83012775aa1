using System.Diagnostics;
using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>Fills a space and ends it.</summary>
internal sealed class SpacesMeasurement(MeasurementRequest request)
{
    private const long Gibibyte = 1L << 30;
    private const int SmallAreas = 1000;
    private const long SmallBytes = 64 << 10;
    private const int BatchesPerSpace = 16;

    // Above the floor, so that the same methods are compiled.
    private const long WarmBytes = 256 << 20;

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        TeardownWarmup.Run(request, () => Run(WarmBytes));
        return Run(long.Parse(request.Parameters["gib"]!, CultureInfo.InvariantCulture) * Gibibyte);
    }

    private Measurement Run(long bytes)
    {
        int nodes = request.Parameters["nodes"] is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0;

        // A threshold as the thread's, 1 GiB, and less for a small space: otherwise there would be no batch at all.
        long threshold = Math.Min(262_144, bytes / 4096 / BatchesPerSpace);
        using var full = new FullSpace(bytes, TeardownVariants.OptionsOf(request.Case, threshold), nodes);
        Fill(full, bytes);
        long tables = full.Space.GetStatistics().TablePages;
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        double back = 0;
        if (request.Case.Variant == TeardownVariants.Unwaited.Name)
        {
            ValueTask end = full.Space.DisposeAsync();
            back = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            end.AsTask().Wait();
        }
        else
        {
            full.Space.Dispose();
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Measurement measurement = new Measurement()
            .Add("seconds", seconds)
            .Add("cpu_seconds", (Environment.CpuUsage.TotalTime - cpu).TotalSeconds)
            .Add("gib_per_second", (double)bytes / Gibibyte / seconds)
            .Add("width", Math.Max(1, full.Workers.Statistics.WidthReached))
            .Add("tables", tables);
        return back == 0 ? measurement : measurement.Add("return_ns", back);
    }

    private void Fill(FullSpace full, long bytes)
    {
        switch (request.Parameters["part"])
        {
            case TeardownPart.Balanced:
                full.Map(bytes / 2, isFull: true);
                full.Map(bytes / 2, isFull: true);
                break;
            case TeardownPart.OneFull:
                // The empty one is as long as the full one, and has a table for each GiB, as one that was used and emptied.
                full.Map(bytes, isFull: true);
                full.Map(bytes, isFull: false);
                break;
            case TeardownPart.ManySmall:
                full.Map(bytes - (SmallAreas * SmallBytes), isFull: true);
                for (int i = 0; i < SmallAreas; i++)
                {
                    full.Map(SmallBytes, isFull: true);
                }

                break;
            default:
                full.Map(bytes, isFull: true);
                break;
        }
    }
}
