using NativeMm.Caching;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

public sealed class CacheStatisticsTests
{
    [Fact]
    public void The_hit_ratio_is_of_the_lookups_and_0_before_the_first()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        byte[] value = new byte[10];
        Assert.Equal(0.0, cache.GetStatistics().HitRatio);
        Assert.True(cache.Set("there"u8, value));
        for (int i = 0; i < 3; i++)
        {
            Assert.True(cache.TryGet("there"u8, value, out _));
        }

        Assert.False(cache.TryGet("not there"u8, value, out _));
        CacheStatistics statistics = cache.GetStatistics();
        Assert.Equal((3L, 1L), (statistics.Hits, statistics.Misses));
        Assert.Equal(0.75, statistics.HitRatio);
    }
}
