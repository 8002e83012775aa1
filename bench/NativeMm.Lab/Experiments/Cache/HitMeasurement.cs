using System.Globalization;
using BitFaster.Caching.Lfu;
using BitFaster.Caching.Lru;
using BitFaster.Caching.Scheduler;
using NativeMm.Eviction;
using NativeMm.Lab.Baselines.Caches;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>How many requests of a trace find their key.</summary>
internal static class HitMeasurement
{
    /// <summary>Replays the trace; the library's own policy is also compared with the best of its rivals.</summary>
    public static Measurement Measure(MeasurementRequest request)
    {
        string? folder = request.Parameters["traces"];
        CacheTrace trace = CacheTraces.Read(request.Parameters["trace"]!, folder ?? CacheTraces.FolderBeside);
        int entries = int.Parse(request.Parameters["entries"]!, CultureInfo.InvariantCulture);
        int victims = int.Parse(request.Parameters["victims"] ?? "1", CultureInfo.InvariantCulture);
        string variant = request.Case.Variant;
        if (variant != CacheVariants.NativeMm.Name)
        {
            return new Measurement().Add("hit_rate", PercentOf(variant, trace, entries, victims));
        }

        using var ours = new PolicySimulation<ReuseClockPolicy>(trace.Keys, entries, victims);
        double percent = Percent(ours, trace);
        double best = CacheVariants.Rivals.Max(rival => PercentOf(rival.Name, trace, entries, victims));
        return new Measurement()
            .Add("hit_rate", percent)
            .Add("points_behind", best - percent)
            .Add("looks_per_victim", (double)ours.Looks / Math.Max(1, ours.Evictions));
    }

    /// <summary>Hits of a hundred requests.</summary>
    public static double Percent(IHitSimulation cache, CacheTrace trace)
    {
        long hits = 0;
        foreach (int key in trace.AsSpan())
        {
            hits += cache.Use(key) ? 1 : 0;
        }

        return 100.0 * hits / trace.AsSpan().Length;
    }

    private static double PercentOf(string variant, CacheTrace trace, int entries, int victims)
    {
        using IHitSimulation cache = variant switch
        {
            "clock" => new PolicySimulation<ClockPolicy>(trace.Keys, entries, victims),
            "lru" => new LruCache(trace.Keys, entries),
            "s3-fifo" => new S3FifoCache(trace.Keys, entries),
            "concurrent-lru" => new BitFasterSimulation(new ConcurrentLru<int, int>(1, entries, EqualityComparer<int>.Default)),
            _ => new BitFasterSimulation(new ConcurrentLfu<int, int>(1, entries, new ForegroundScheduler(), EqualityComparer<int>.Default)),
        };
        return Percent(cache, trace);
    }
}
