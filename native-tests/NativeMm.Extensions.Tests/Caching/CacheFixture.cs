using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Time.Testing;
using NativeMm.Runtime;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>A cache on a runtime of its own, with a clock that the test moves.</summary>
internal sealed class CacheFixture : IDisposable
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    public CacheFixture(IDistributedCache? tier = null, Action<NativeDistributedCacheOptions>? configure = null, FakeTimeProvider? clock = null)
    {
        // Where it begins timers of a real server are of the same year.
        Clock = clock ?? new FakeTimeProvider(DateTimeOffset.UtcNow);
        var options = new NativeDistributedCacheOptions { SizeLimit = 16 << 20 };
        configure?.Invoke(options);
        Cache = new NativeDistributedCache(Runtime, options, tier, Clock);
    }

    public MemoryRuntime Runtime { get; } = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });

    public FakeTimeProvider Clock { get; }

    public NativeDistributedCache Cache { get; }

    public NativeDistributedCacheStatistics Statistics => Cache.GetStatistics();

    /// <summary>Bytes that tell whose they are.</summary>
    public static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static DistributedCacheEntryOptions Sliding(double seconds) => new() { SlidingExpiration = TimeSpan.FromSeconds(seconds) };

    public static DistributedCacheEntryOptions After(double seconds) => new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(seconds) };

    public void Advance(double seconds) => Clock.Advance(TimeSpan.FromSeconds(seconds));

    public void Dispose()
    {
        Cache.Dispose();
        Runtime.Dispose();
    }
}
