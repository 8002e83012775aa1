using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>Calls of a cache that holds all of its items, and the memory they take.</summary>
internal static class CacheMeasurement
{
    private const int ItemsOfWarmup = 1000;

    /// <summary>Room in a cache that counts entries, so that none of so many leaves.</summary>
    public static int RoomFor(int items) => 2 * items;

    /// <summary>Measures a part with the cache of a variant.</summary>
    public static Measurement Measure(MeasurementRequest request)
    {
        int items = int.Parse(request.Parameters["items"]!, CultureInfo.InvariantCulture);
        return request.Case.Variant switch
        {
            "nativemm" => Measure(request, (count, beforehand) => new NativeCacheUnderTest(count, beforehand), items),
            "concurrent-lru" => Measure(request, (count, beforehand) => new ConcurrentLruUnderTest(count, beforehand), items),
            "concurrent-lfu" => Measure(request, (count, beforehand) => new ConcurrentLfuUnderTest(count, beforehand), items),
            _ => Measure(request, (count, beforehand) => new MemoryCacheUnderTest(count, beforehand), items),
        };
    }

    private static Measurement Measure<TCache>(MeasurementRequest request, Func<int, bool, TCache> make, int items)
        where TCache : struct, ICacheUnderTest
    {
        if (request.Parameters["part"] == CachePart.Memory)
        {
            return Memory(make, items);
        }

        using TCache cache = make(items, true);
        Fill(cache, items);
        return new CacheWorkload<TCache>(cache, items, request.Parameters["part"]!).Measure(request);
    }

    private static Measurement Memory<TCache>(Func<int, bool, TCache> make, int items)
        where TCache : struct, ICacheUnderTest
    {
        using (TCache small = make(ItemsOfWarmup, false))
        {
            Fill(small, ItemsOfWarmup);
        }

        Collect();
        ulong resident = ResidentMemory.Now;
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        using TCache cache = make(items, false);
        Fill(cache, items);
        Collect();
        long counted = cache.CountedBytes ?? (GC.GetTotalMemory(forceFullCollection: true) - managed);
        double residentMore = (double)ResidentMemory.Now - resident;
        CheckCount(cache, items);
        return new Measurement().Add("bytes_per_item", residentMore / items).Add("counted_bytes_per_item", (double)counted / items);
    }

    private static void Fill<TCache>(TCache cache, int items)
        where TCache : struct, ICacheUnderTest
    {
        Span<byte> value = stackalloc byte[CacheKeys.ValueBytes];
        for (int item = 0; item < items; item++)
        {
            BitConverter.TryWriteBytes(value, item);
            cache.Set(item, value);
        }

        CheckCount(cache, items);
    }

    private static void CheckCount<TCache>(TCache cache, int items)
        where TCache : struct, ICacheUnderTest
    {
        if (cache.Count < items)
        {
            throw new InvalidOperationException($"{cache.Count} of {items} items are in.");
        }
    }

    private static void Collect()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
