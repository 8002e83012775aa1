using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>What is replaced waits for its readers, but not for long: its memory serves what comes next.</summary>
public sealed class CacheRetiredMemoryTests : IDisposable
{
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 512 << 20 });

    public void Dispose() => _runtime.Dispose();

    [Theory]
    [InlineData(4_000)]
    [InlineData(64 << 10)]
    [InlineData(1 << 20)]
    [InlineData(4 << 20)]
    public void A_value_that_is_set_again_and_again_takes_the_memory_of_a_few(int bytes)
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 256 << 20 });
        byte[] value = new byte[bytes];
        for (int i = 0; i < 500; i++)
        {
            Assert.True(cache.Set("k"u8, value));
        }

        cache.Validate();
        long entries = cache.GetStatistics().UsedBytes - EmptyBytes();
        Assert.InRange(entries, bytes, (2L * bytes) + (1 << 20));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(64 << 10)]
    [InlineData(1 << 20)]
    public void Setting_and_counting_take_no_managed_memory(int bytes)
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 64 << 20 });
        byte[] value = new byte[bytes];
        long count = SetAll(cache, value);
        Assert.Equal(0, ManagedBytes.Least(() => count += SetAll(cache, value)));
        Assert.True(count > 0);
    }

    private static long SetAll(NativeCache cache, byte[] value)
    {
        Span<byte> key = stackalloc byte[4];
        long count = 0;
        for (int i = 0; i < 200; i++)
        {
            BitConverter.TryWriteBytes(key, i);
            Assert.True(cache.Set(key, value));
            count += cache.Count;
        }

        return count;
    }

    private long EmptyBytes()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 256 << 20 });
        return cache.GetStatistics().UsedBytes;
    }
}
