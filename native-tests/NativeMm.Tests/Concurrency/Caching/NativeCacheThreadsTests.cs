using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Caching;

public sealed class NativeCacheThreadsTests : IDisposable
{
    private const int Threads = 4;
    private const int Keys = 1500;
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20 });

    public void Dispose() => _runtime.Dispose();

    /// <summary>Every value says whose it is, how long it is, and repeats one byte: whatever a lookup gives must be one of the values that were set, whole.</summary>
    [Fact]
    public void Whatever_is_read_was_set_whole()
    {
        using var cache = new NativeCache(
            _runtime, new NativeCacheOptions { SizeLimit = 2 << 20, Codec = PageCodecs.Default, CompressFromBytes = 8192 });
        StartGate.Run(Threads, thread => Work(cache, new Random(thread)));
        cache.Validate();
        CacheStatistics now = cache.GetStatistics();
        Assert.InRange(now.UsedBytes, 1, now.SizeLimit);
        Assert.True(now.Evictions > 0 && now.Hits > 0, $"{now}");
    }

    [Fact]
    public void The_end_waits_for_lookups_and_later_ones_are_told()
    {
        for (int round = 0; round < 20; round++)
        {
            var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
            byte[] value = new byte[1000];
            cache.Set("k"u8, value);
            StartGate.Run(3, thread =>
            {
                if (thread == 0)
                {
                    cache.Dispose();
                    return;
                }

                byte[] read = new byte[1000];
                Action use = () => UseForever(cache, read);
                Assert.Throws<ObjectDisposedException>(use);
            });
        }

        Assert.Equal(0ul, _runtime.GetStatistics().CacheBytes);
    }

    [Fact]
    public void The_index_grows_beside_lookups_that_never_miss()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 64 << 20 });
        for (int i = 0; i < 100; i++)
        {
            cache.Set(BitConverter.GetBytes(i), BitConverter.GetBytes(i));
        }

        StartGate.RunBeside(
            1,
            _ =>
            {
                for (int i = 100; i < 60_000; i++)
                {
                    Assert.True(cache.Set(BitConverter.GetBytes(i), BitConverter.GetBytes(i)));
                }
            },
            2,
            (_, goesOn) =>
            {
                byte[] read = new byte[4];
                for (int i = 0; goesOn(); i = (i + 1) % 100)
                {
                    Assert.True(cache.TryGet(BitConverter.GetBytes(i), read, out _));
                    Assert.Equal(i, BitConverter.ToInt32(read));
                }
            });
        Assert.Equal(60_000, cache.Count);
        cache.Validate();
    }

    [Fact]
    public void The_index_shrinks_beside_lookups_that_never_miss()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 16 << 20 });
        for (int i = 0; i < 100; i++)
        {
            cache.Set(BitConverter.GetBytes(i), BitConverter.GetBytes(i), new CacheEntryOptions { SlidingExpiration = TimeSpan.FromHours(i + 1) });
        }

        int shrunk = 0;
        StartGate.RunBeside(
            1,
            _ =>
            {
                for (int round = 0; round < 20; round++)
                {
                    for (int i = 100; i < 5_000; i++)
                    {
                        Assert.True(cache.Set(BitConverter.GetBytes(i), BitConverter.GetBytes(i)));
                    }

                    long before = cache.GetStatistics().IndexBytes;
                    for (int i = 100; i < 5_000; i++)
                    {
                        Assert.True(cache.Remove(BitConverter.GetBytes(i)));
                    }

                    cache.Trim();
                    shrunk += cache.GetStatistics().IndexBytes < before / 4 ? 1 : 0;
                }
            },
            2,
            (_, goesOn) =>
            {
                byte[] read = new byte[4];
                for (int i = 0; goesOn(); i = (i + 1) % 100)
                {
                    Assert.True(cache.TryGet(BitConverter.GetBytes(i), read, out int _));
                    Assert.Equal(i, BitConverter.ToInt32(read));
                }
            });
        Assert.Equal(20, shrunk);
        cache.Validate();
    }

    [Fact]
    public void Entries_get_other_slots_beside_lookups_that_never_miss()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        for (int i = 0; i < 2000; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), BitConverter.GetBytes(i), new CacheEntryOptions { Priority = CachePriority.NeverRemove }));
        }

        StartGate.RunBeside(
            1,
            _ =>
            {
                byte[] value = new byte[40];
                for (int i = 2000; i < 150_000; i++)
                {
                    Assert.True(cache.Set(BitConverter.GetBytes(i), value));
                }
            },
            2,
            (_, goesOn) =>
            {
                byte[] read = new byte[4];
                for (int i = 0; goesOn(); i = (i + 1) % 2000)
                {
                    Assert.True(cache.TryGet(BitConverter.GetBytes(i), read, out int _));
                    Assert.Equal(i, BitConverter.ToInt32(read));
                }
            });
        Assert.True(cache.GetStatistics().Evictions > 0);
        cache.Validate();
    }

    private static void UseForever(NativeCache cache, byte[] value)
    {
        while (true)
        {
            Assert.True(cache.TryGet("k"u8, value, out _));
            Assert.True(cache.Set("k"u8, value));
        }
    }

    private static void Work(NativeCache cache, Random random)
    {
        byte[] read = new byte[200_000];
        for (int step = 0; step < 30_000; step++)
        {
            int id = random.Next(Keys);
            byte[] key = BitConverter.GetBytes(id);
            int what = random.Next(100);
            if (what < 35)
            {
                byte[] value = new byte[8 + (random.Next(50) == 0 ? random.Next(60_000) : random.Next(3000))];
                value.AsSpan().Fill((byte)random.Next());
                BitConverter.TryWriteBytes(value, id);
                BitConverter.TryWriteBytes(value.AsSpan(4), value.Length);
                cache.Set(key, value, random.Next(3) == 0 ? new CacheEntryOptions { SlidingExpiration = TimeSpan.FromMilliseconds(20) } : default);
            }
            else if (what < 75)
            {
                if (cache.TryGet(key, read, out int length))
                {
                    Check(id, read.AsSpan(0, length));
                }
            }
            else if (what < 93)
            {
                if (cache.TryGet(key, out CacheLease lease))
                {
                    Check(id, lease.Span);
                    Thread.Yield();
                    Check(id, lease.Span);
                    lease.Dispose();
                }
            }
            else if (what < 99 || random.Next(40) != 0)
            {
                cache.Remove(key);
            }
            else
            {
                cache.Trim(0.1);
            }
        }
    }

    private static void Check(int id, ReadOnlySpan<byte> value)
    {
        Assert.Equal(id, BitConverter.ToInt32(value));
        Assert.Equal(value.Length, BitConverter.ToInt32(value[4..]));
        Assert.False(value.Length > 8 && value[8..].ContainsAnyExcept(value[8]), "The value is torn.");
    }
}
