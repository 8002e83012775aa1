using NativeMm.Caching;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

public sealed class NativeCacheEdgeTests : IDisposable
{
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });

    public void Dispose() => _runtime.Dispose();

    /// <summary>The shortest record of all, in the longest block that it can be given: nothing else leaves as much unused.</summary>
    [Fact]
    public void An_empty_value_of_the_empty_key_stays_empty_in_any_block()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        foreach (int key in (int[])[1, 2, 3])
        {
            Assert.True(cache.Set(BitConverter.GetBytes(key), new byte[28]));
        }

        Assert.True(cache.Remove(BitConverter.GetBytes(2)));
        cache.Validate();
        Assert.True(cache.Set([], []));
        cache.Validate();
        Assert.True(cache.TryGet([], out CacheLease lease));
        Assert.Equal(0, lease.Length);
        lease.Dispose();
    }

    /// <summary>The words are those of the leases of an address space, which has pins; a cache has none.</summary>
    [Fact]
    public void Leases_beyond_those_of_a_thread_are_refused_with_what_helps()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        Assert.True(cache.Set("key"u8, new byte[10]));
        string refusal = RefusalOf(cache, 100);
        Assert.Contains("6 leases", refusal, StringComparison.Ordinal);
        Assert.Contains("copy what it shows", refusal, StringComparison.Ordinal);

        static string RefusalOf(NativeCache cache, int more)
        {
            try
            {
                Assert.True(cache.TryGet("key"u8, out CacheLease lease));
                using (lease)
                {
                    return more == 0 ? "none" : RefusalOf(cache, more - 1);
                }
            }
            catch (InvalidOperationException refused)
            {
                return refused.Message;
            }
        }
    }

    [Fact]
    public void What_can_never_fit_drives_nobody_out()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20, MaxEntryBytes = 1 << 30 });
        for (int i = 0; i < 100; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), new byte[100]));
        }

        Assert.False(cache.Set("large"u8, new byte[2 << 20]));
        Assert.False(cache.Set("large"u8, new byte[1 << 20]));
        Assert.Equal(100, cache.Count);
        Assert.True(cache.Set("large"u8, new byte[900 << 10]));
        cache.Validate();
    }

    [Fact]
    public void A_cache_that_has_all_frames_shares_them_with_the_next_one()
    {
        using var first = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 256 << 20 });
        byte[] value = new byte[1000];
        for (int i = 0; i < 80_000; i++)
        {
            first.Set(BitConverter.GetBytes(i), value);
        }

        Assert.True(first.GetStatistics().Evictions > 0, "The frames were enough.");
        using var second = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 256 << 20 });
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(second.Set(BitConverter.GetBytes(i), value), $"Entry {i} was refused.");
        }

        first.Validate();
        second.Validate();
    }
}
