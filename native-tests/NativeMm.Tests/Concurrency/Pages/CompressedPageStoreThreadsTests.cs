using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Pages;

/// <summary>Threads on one page store: pages are whole, and each is one that was stored under its key.</summary>
public sealed class CompressedPageStoreThreadsTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(4096, 4)]
    [InlineData(4096, 300)]
    [InlineData(16384, 8)]
    public void Whoever_loads_sees_a_whole_page_of_that_key(int pageBytes, int keys)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        CompressedPageStore store = fixture.Store;
        long loads = 0;
        int seed = Environment.TickCount;
        StartGate.Run(4, number =>
        {
            var random = new Random(seed + number);
            byte[] page = new byte[pageBytes];
            for (int step = 0; step < 4000 * 4096 / pageBytes; step++)
            {
                ulong key = (ulong)random.Next(keys);
                switch (random.Next(20))
                {
                    case < 8:
                        Stamp(page, key, random);
                        Assert.True(store.TryStore(key, page));
                        break;
                    case < 17:
                        if (store.TryLoad(key, page))
                        {
                            CheckStamp(page, key, seed);
                            Interlocked.Increment(ref loads);
                        }

                        break;
                    case < 19:
                        store.Remove(key);
                        break;
                    default:
                        store.Compact();
                        break;
                }
            }
        });
        Assert.True(loads > 500, $"Only {loads} loads found a page.");
        store.Validate();
    }

    [Fact]
    public void Threads_that_fill_the_table_together_lose_no_page()
    {
        const int PagesPerThread = 8000;
        using var fixture = new PageStoreFixture();
        StartGate.Run(3, number =>
        {
            for (int i = 0; i < PagesPerThread; i++)
            {
                ulong key = (ulong)((i * 3) + number);
                fixture.Store.Store(key, SamplePages.Same(4096, key));
            }
        });
        Assert.Equal(3 * PagesPerThread, fixture.Store.GetStatistics().Pages);
        fixture.Store.Validate();
        StartGate.Run(3, number =>
        {
            byte[] page = new byte[4096];
            for (int i = 0; i < PagesPerThread; i++)
            {
                ulong key = (ulong)((i * 3) + ((number + 1) % 3));
                Assert.True(fixture.Store.TryLoad(key, page) && MemoryMarshal.Read<ulong>(page) == key);
                Assert.True(fixture.Store.Remove(key));
            }
        });
        Assert.Equal(0, fixture.Store.GetStatistics().Pages);
    }

    [Fact]
    public async Task While_a_page_is_compressed_the_old_one_is_loaded()
    {
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        byte[] old = SamplePages.Compressible(4096, 1);
        fixture.Store.Store(1, old);
        using var inside = new Rendezvous(s_timeout);
        codec.Compressing = inside.Wait;
        Task replacing = Task.Run(() => fixture.Store.Store(1, SamplePages.Compressible(4096, 2)));
        inside.AwaitArrival();
        codec.Compressing = null;
        fixture.Holds(1, old);
        fixture.Holds(1, old);
        inside.Release();
        await replacing.WaitAsync(s_timeout);
        fixture.Holds(1, SamplePages.Compressible(4096, 2));
    }

    [Fact]
    public async Task A_page_that_is_being_restored_may_be_replaced_and_its_memory_used_again()
    {
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        byte[] old = SamplePages.Compressible(4096, 1);
        fixture.Store.Store(1, old);
        using var inside = new Rendezvous(s_timeout);
        codec.Decompressing = inside.Wait;
        byte[] loaded = new byte[4096];
        Task<bool> loading = Task.Run(() => fixture.Store.TryLoad(1, loaded));
        inside.AwaitArrival();
        codec.Decompressing = null;
        Assert.True(fixture.Store.Remove(1));
        for (int i = 0; i < 200; i++)
        {
            fixture.Store.Store((ulong)i, SamplePages.Compressible(4096, 100 + i));
        }

        fixture.Store.Compact();
        inside.Release();
        Assert.True(await loading.WaitAsync(s_timeout));
        Assert.Equal(old, loaded);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_two_stores_of_one_key_the_last_to_end_stays(bool compressible)
    {
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        byte[] slow = compressible ? SamplePages.Compressible(4096, 1) : SamplePages.Incompressible(4096, 1);
        using var inside = new Rendezvous(s_timeout);
        codec.Compressing = inside.Wait;
        Task storing = Task.Run(() => fixture.Store.Store(1, slow));
        inside.AwaitArrival();
        codec.Compressing = null;
        fixture.RoundTrip(1, SamplePages.Incompressible(4096, 2));
        inside.Release();
        await storing.WaitAsync(s_timeout);
        fixture.Holds(1, slow);
        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.Equal((1, compressible ? 0 : 1), (statistics.Pages, statistics.HugePages));
    }

    [Fact]
    public void Clear_beside_stores_leaves_nothing_behind()
    {
        using var fixture = new PageStoreFixture();
        StartGate.Run(3, number =>
        {
            for (int i = 0; i < 3000; i++)
            {
                if (number == 0 && i % 100 == 0)
                {
                    fixture.Store.Clear();
                }
                else if (number != 0)
                {
                    fixture.Store.Store((ulong)(i % 500), SamplePages.Any(4096, (i % 64) + number));
                }
            }
        });
        fixture.Store.Validate();
        fixture.Store.Clear();
        Assert.Equal(0, fixture.Store.Pool.GetStatistics().Objects);
    }

    [Fact]
    public void Threads_at_the_limit_never_pass_it_at_rest()
    {
        const long Limit = 40 * 4096;
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { MemoryLimitBytes = Limit });
        StartGate.Run(4, number =>
        {
            var random = new Random(number);
            for (int i = 0; i < 2000; i++)
            {
                ulong key = (ulong)random.Next(100);
                if (!fixture.Store.TryStore(key, SamplePages.Any(4096, random.Next(200)), out PageRefusal refusal))
                {
                    Assert.Equal(PageRefusal.MemoryLimit, refusal);
                    fixture.Store.Remove((ulong)random.Next(100));
                }
            }
        });
        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.InRange(statistics.MemUsedTotalBytes, 1, Limit);
        Assert.True(statistics.MemUsedMaxBytes <= Limit && statistics.Refusals > 0);
        fixture.Store.Validate();
    }

    /// <summary>Writes a page whose every word follows from its key and one random number: a third of it is noise.</summary>
    private static void Stamp(byte[] page, ulong key, Random random)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        ulong version = (ulong)random.NextInt64();
        int every = random.Next(1, 4);
        words[0] = key;
        words[1] = version;
        words[2] = (ulong)every;
        for (int i = 3; i < words.Length; i++)
        {
            words[i] = WordOf(key, version, every, i);
        }
    }

    private static void CheckStamp(byte[] page, ulong key, int seed)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        Assert.True(words[0] == key, $"Page {key} came back as page {words[0]}; seed {seed}.");
        for (int i = 3; i < words.Length; i++)
        {
            Assert.True(words[i] == WordOf(key, words[1], (int)words[2], i), $"Page {key} is torn at word {i}; seed {seed}.");
        }
    }

    private static ulong WordOf(ulong key, ulong version, int every, int index) =>
        index % every == 0 ? (version + key + (ulong)index) * 0x9E3779B97F4A7C15 : version;
}
