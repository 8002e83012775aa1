using System.Buffers.Binary;
using NativeMm.Eviction;
using NativeMm.Lab.Baselines.Caches;
using NativeMm.Lab.Experiments.Cache;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class CacheTraceTests
{
    [Fact]
    public void Trace_is_read_as_its_format_says()
    {
        CacheTrace trace = CacheTrace.Read(new MemoryStream(Image(3, 2, 0, 1, 0)), "t");
        Assert.Equal([0, 1, 0], trace.Requests);
        Assert.Equal(2, trace.Keys);
    }

    [Fact]
    public void Broken_trace_is_refused_by_name()
    {
        byte[] image = Image(3, 2, 0, 1, 0);
        Assert.Contains("ends before its 3 requests", Refusal(image[..^1]), StringComparison.Ordinal);
        Assert.Contains("NMCACHE1", Refusal(new byte[40]), StringComparison.Ordinal);
        Assert.Contains("key 2 of 2", Refusal(Image(2, 2, 2, 0)), StringComparison.Ordinal);
        Assert.Contains("0 requests", Refusal(Image(0, 0)), StringComparison.Ordinal);

        static string Refusal(byte[] image) => Assert.Throws<InvalidDataException>(() => CacheTrace.Read(new MemoryStream(image), "t")).Message;
    }

    [Fact]
    public void Joined_traces_share_no_keys_but_those_in_the_middle()
    {
        var first = new CacheTrace([0, 1], 2);
        var middle = new CacheTrace([0], 1);
        CacheTrace joined = CacheTrace.Join(first, [middle, middle], first);
        Assert.Equal([0, 1, 2, 2, 3, 4], joined.Requests);
        Assert.Equal(5, joined.Keys);
    }

    [Fact]
    public void Least_recently_used_goes()
    {
        using var cache = new LruCache(4, 2);
        int[] keys = [0, 1, 0, 2, 0, 1];
        Assert.Equal([false, false, true, false, true, false], keys.Select(cache.Use));
    }

    [Fact]
    public void Scan_passes_the_small_queue_only()
    {
        using var cache = new S3FifoCache(1000, 20);
        for (int round = 0; round < 4; round++)
        {
            for (int key = 0; key < 10; key++)
            {
                cache.Use(key);
            }
        }

        for (int key = 100; key < 1000; key++)
        {
            Assert.False(cache.Use(key));
        }

        Assert.All(Enumerable.Range(0, 10), key => Assert.True(cache.Use(key)));
    }

    [Theory]
    [InlineData("zipf", 1.0)]
    [InlineData("loop", -3.0)]
    [InlineData("shift", -10.0)]
    [InlineData("scan", 1.0)]
    [InlineData("again", 1.0)]
    public void Hits_on_own_traces_are_so_far_behind_lru_and_s3_fifo_at_most(string kind, double points)
    {
        CacheTrace trace = SyntheticCacheTrace.Make(kind);
        using var ours = new PolicySimulation<ReuseClockPolicy>(trace.Keys, SyntheticCacheTrace.Entries, 1);
        using var lru = new LruCache(trace.Keys, SyntheticCacheTrace.Entries);
        using var s3 = new S3FifoCache(trace.Keys, SyntheticCacheTrace.Entries);
        double best = Math.Max(HitMeasurement.Percent(lru, trace), HitMeasurement.Percent(s3, trace));
        Assert.InRange(HitMeasurement.Percent(ours, trace), best - points, 100);
    }

    private static byte[] Image(uint requests, uint keys, params uint[] all)
    {
        byte[] image = new byte[32 + (all.Length * 4)];
        "NMCACHE1"u8.CopyTo(image);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(8), requests);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(12), keys);
        for (int i = 0; i < all.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(32 + (i * 4)), all[i]);
        }

        return image;
    }
}
