using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>What is a program's own: listeners, codecs, and the keys that it is given.</summary>
public sealed class NativeCacheHandlerTests : IDisposable
{
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20, BackgroundTrim = false });

    public static TheoryData<string> Codecs => [.. PageCodecs.Available.Select(codec => codec.Name)];

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public void A_listener_that_sets_again_what_left_takes_no_stack()
    {
        NativeCache? cache = null;
        (int depth, int deepest, int told) = (0, 0, 0);
        void Again(in CacheEviction left)
        {
            deepest = Math.Max(deepest, ++depth);
            if (++told < 20_000)
            {
                cache!.Set(left.Key, new byte[200]);
            }

            depth--;
        }

        cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20, Evicted = Again });
        for (int key = 0; told < 20_000; key++)
        {
            cache.Set(BitConverter.GetBytes(key), new byte[200]);
        }

        Assert.Equal(1, deepest);
        cache.Validate();
        cache.Dispose();
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Values_of_any_length_come_back_from_any_codec(string name)
    {
        IPageCodec codec = PageCodecs.Available.Single(one => one.Name == name);
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 32 << 20, Codec = codec, CompressFromBytes = 64 });
        foreach (int length in (int[])[64, 65, 1000, 4096, 5000, 65_536, 65_537, 1_000_003])
        {
            byte[] value = SamplePages.Compressible(length, length);
            Assert.True(cache.Set(BitConverter.GetBytes(length), value));
            byte[] read = new byte[length];
            Assert.True(cache.TryGet(BitConverter.GetBytes(length), read, out int bytes));
            Assert.Equal(length, bytes);
            Assert.Equal(value, read);
            Assert.True(cache.TryGet(BitConverter.GetBytes(length), out CacheLease lease));
            Assert.True(lease.Span.SequenceEqual(value));
            lease.Dispose();
        }

        Assert.InRange(cache.GetStatistics().EntryBytes, 1, 800_000);
    }

    [Fact]
    public void A_clock_that_throws_harms_nobody_who_only_wants_memory()
    {
        var clock = new FailingClock();
        using var small = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeCache(small, new NativeCacheOptions { SizeLimit = 48 << 20, TimeProvider = clock });
        for (int i = 0; i < 40_000; i++)
        {
            cache.Set(BitConverter.GetBytes(i), new byte[1000]);
        }

        clock.Fails = true;
        var blocks = new nint[40];
        small.Heap.AllocBulk(1 << 20, blocks);
        small.Heap.FreeBulk(blocks);
        small.TrimIdle();
        small.Trim();
        Assert.Throws<NotSupportedException>(() => cache.Trim());
        clock.Fails = false;
        Assert.InRange(cache.Count, 1, 30_000);
        cache.Validate();
    }

    [Fact]
    public void A_codec_that_throws_or_lies_leaves_the_cache_as_it_was()
    {
        var codec = new TestPageCodec();
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 8 << 20, Codec = codec, CompressFromBytes = 64 });
        byte[] value = SamplePages.Compressible(5000, 1);
        byte[] read = new byte[5000];
        Assert.True(cache.Set("k"u8, value));
        codec.Compressing = () => throw new NotSupportedException();
        Assert.Throws<NotSupportedException>(() => cache.Set("k"u8, new byte[5000]));
        codec.Compressing = null;
        codec.Decompressing = () => throw new NotSupportedException();
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<NotSupportedException>(() => cache.TryGet("k"u8, read, out _));
            Assert.Throws<NotSupportedException>(() => cache.TryGet("k"u8, out CacheLease _));
            Assert.Throws<NotSupportedException>(() => cache.TryGet("k"u8, new System.Buffers.ArrayBufferWriter<byte>()));
        }

        codec.Decompressing = null;
        Assert.True(cache.TryGet("k"u8, read, out _));
        Assert.Equal(value, read);
        foreach (int lie in (int[])[-1, 0, 1 << 20])
        {
            codec.ReportedBytes = _ => lie;
            Assert.True(cache.Set("lie"u8, value));
            Assert.True(cache.TryGet("lie"u8, read, out _));
            Assert.Equal(value, read);
        }

        cache.Validate();
    }

    [Fact]
    public void Keys_that_were_chosen_against_one_seed_spread_under_another()
    {
        const int Buckets = 64;
        var known = new CacheHash(1, 2);
        var secret = new CacheHash(0x1234_5678_9ABC_DEF0, 0x0FED_CBA9_8765_4321);
        var meet = new List<byte[]>();
        for (long key = 0; meet.Count < 1000; key++)
        {
            byte[] bytes = BitConverter.GetBytes(key);
            if (known.Of(bytes) % Buckets == 0)
            {
                meet.Add(bytes);
            }
        }

        int most = meet.GroupBy(key => secret.Of(key) % Buckets).Max(bucket => bucket.Count());
        Assert.InRange(most, 1000 / Buckets, 4 * 1000 / Buckets);
    }

    [Fact]
    public void Two_caches_have_two_orders()
    {
        // Words as they are drawn: of small ones a short key may undo all.
        var one = new CacheHash(0x1234_5678_9ABC_DEF0, 0xB5AD_4ECE_DA1C_E2A9);
        var other = new CacheHash(0x1234_5678_9ABC_DEF0, 0x2545_F491_4F6C_DD1D);
        int same = Enumerable.Range(0, 1000).Count(key => one.Of(BitConverter.GetBytes(key)) == other.Of(BitConverter.GetBytes(key)));
        Assert.Equal(0, same);
    }

    private sealed class FailingClock : TimeProvider
    {
        public bool Fails { get; set; }

        public override DateTimeOffset GetUtcNow() => Fails ? throw new NotSupportedException("no time") : base.GetUtcNow();
    }
}
