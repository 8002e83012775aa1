using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>What every <see cref="IBufferDistributedCache"/> does, whatever the memory of a value is and however its calls are made.</summary>
public sealed class BufferContractTests
{
    public enum Source
    {
        Array,
        FullArray,
        PaddedArray,
        CustomMemory,
        MultiSegment,
    }

    public static TheoryData<int, Source, bool> Rows()
    {
        var rows = new TheoryData<int, Source, bool>();
        foreach (int size in (int[])[0, 1, 128, 1024, 4096, 16 << 10, 300_000])
        {
            foreach (Source source in Enum.GetValues<Source>())
            {
                rows.Add(size, source, true);
                rows.Add(size, source, false);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Value_comes_back_until_it_is_over(int size, Source source, bool isAsync)
    {
        using var fixture = new CacheFixture();
        byte[] expected = CacheFixture.Bytes(size);
        string key = $"{size} {source}";
        var written = new ArrayBufferWriter<byte>();
        Assert.Null(await GetAsync(fixture.Cache, key, isAsync));
        Assert.False(await TryGetAsync(fixture.Cache, key, written, isAsync));
        Assert.Equal(0, written.WrittenCount);

        await SetAsync(fixture.Cache, key, expected, source, isAsync);
        Assert.Equal(expected, await GetAsync(fixture.Cache, key, isAsync));
        Assert.True(await TryGetAsync(fixture.Cache, key, written, isAsync));
        Assert.Equal(expected, written.WrittenSpan);

        fixture.Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(expected, await GetAsync(fixture.Cache, key, isAsync));
        fixture.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(await GetAsync(fixture.Cache, key, isAsync));
        written.Clear();
        Assert.False(await TryGetAsync(fixture.Cache, key, written, isAsync));
        Assert.Equal(0, written.WrittenCount);
    }

    /// <summary>The framework's client bounds its writer, which throws from either member.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Writer_that_throws_leaves_the_entry_as_it_was(bool inAdvance)
    {
        using var fixture = new CacheFixture();
        byte[] expected = CacheFixture.Bytes(10_000);
        fixture.Cache.Set("key", expected, new());
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<InvalidOperationException>(() => fixture.Cache.TryGet("key", new FailingWriter(inAdvance)));
        }

        Assert.Equal(expected, fixture.Cache.Get("key"));
        fixture.Cache.Remove("key");
        Assert.Equal(0, fixture.Statistics.Local.Count);
    }

    [Fact]
    public void Value_is_copied_in_and_out()
    {
        using var fixture = new CacheFixture();
        byte[] value = [1, 2, 3];
        fixture.Cache.Set("key", value, new());
        value[0] = 9;
        fixture.Cache.Get("key")![1] = 9;
        Assert.Equal([1, 2, 3], fixture.Cache.Get("key"));
    }

    [Fact]
    public async Task Null_is_refused_by_its_name()
    {
        using var fixture = new CacheFixture();
        NativeDistributedCache cache = fixture.Cache;
        var writer = new ArrayBufferWriter<byte>();
        Assert.Throws<ArgumentNullException>("key", () => cache.Get(null!));
        await Assert.ThrowsAsync<ArgumentNullException>("key", () => cache.GetAsync(null!));
        Assert.Throws<ArgumentNullException>("key", () => cache.TryGet(null!, writer));
        Assert.Throws<ArgumentNullException>("destination", () => cache.TryGet("key", null!));
        Assert.Throws<ArgumentNullException>("key", () => cache.Set(null!, [], new()));
        Assert.Throws<ArgumentNullException>("value", () => cache.Set("key", (byte[])null!, new()));
        Assert.Throws<ArgumentNullException>("options", () => cache.Set("key", [], null!));
        await Assert.ThrowsAsync<ArgumentNullException>("options", () => cache.SetAsync("key", [], null!));
        Assert.Throws<ArgumentNullException>("key", () => cache.Remove(null!));
        Assert.Throws<ArgumentNullException>("key", () => cache.Refresh(null!));
    }

    [Fact]
    public async Task Cancelled_call_does_nothing()
    {
        using var fixture = new CacheFixture();
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Cache.SetAsync("key", [1], new(), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Cache.GetAsync("key", cancelled));
        Assert.Null(fixture.Cache.Get("key"));
        fixture.Cache.Set("key", [1], new());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Cache.RemoveAsync("key", cancelled));
        Assert.NotNull(fixture.Cache.Get("key"));
    }

    /// <summary>The client takes the short way on a task that is complete.</summary>
    [Fact]
    public void Calls_are_complete_when_they_return()
    {
        using var fixture = new CacheFixture();
        Assert.True(IsComplete(fixture.Cache.SetAsync("key", new ReadOnlySequence<byte>([1]), new())));
        Assert.True(IsComplete(fixture.Cache.TryGetAsync("key", new ArrayBufferWriter<byte>())));
        Assert.True(IsComplete(fixture.Cache.TryGetAsync("none", new ArrayBufferWriter<byte>())));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Keys_are_told_apart_by_case_and_space(bool isAsync)
    {
        using var fixture = new CacheFixture();
        string[] keys = ["key", "KEY", "Key", " key", "key ", "", " ", "k\0y", "ключ", "k:e:y"];
        for (int i = 0; i < keys.Length; i++)
        {
            await SetAsync(fixture.Cache, keys[i], [(byte)i], Source.Array, isAsync);
        }

        for (int i = 0; i < keys.Length; i++)
        {
            Assert.Equal((byte[])[(byte)i], await GetAsync(fixture.Cache, keys[i], isAsync));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Last_set_counts_and_a_removal_may_come_twice(bool isAsync)
    {
        using var fixture = new CacheFixture();
        foreach (int length in (int[])[10, 100_000, 0, 5])
        {
            await SetAsync(fixture.Cache, "key", CacheFixture.Bytes(length, seed: length), Source.MultiSegment, isAsync);
            Assert.Equal(CacheFixture.Bytes(length, seed: length), await GetAsync(fixture.Cache, "key", isAsync));
        }

        for (int i = 0; i < 2; i++)
        {
            if (isAsync)
            {
                await fixture.Cache.RefreshAsync("key");
                await fixture.Cache.RemoveAsync("key");
            }
            else
            {
                fixture.Cache.Refresh("key");
                fixture.Cache.Remove("key");
            }

            Assert.Null(await GetAsync(fixture.Cache, "key", isAsync));
        }
    }

    /// <summary>The framework's methods for texts are made of these.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("\0")]
    [InlineData("plain")]
    [InlineData("  two  words\r\nand a line ")]
    [InlineData("Grüße 😀 日本")]
    public async Task Texts_come_back(string text)
    {
        using var fixture = new CacheFixture();
        fixture.Cache.SetString("key", text);
        Assert.Equal(text, fixture.Cache.GetString("key"));
        await fixture.Cache.SetStringAsync("async", text);
        Assert.Equal(text, await fixture.Cache.GetStringAsync("async"));
        Assert.Null(await fixture.Cache.GetStringAsync("none"));
    }

    /// <summary>What the framework refuses is refused by the calls that are awaited too, and the old value stays.</summary>
    [Fact]
    public async Task Awaited_call_refuses_what_lies_in_the_past()
    {
        using var fixture = new CacheFixture();
        fixture.Cache.Set("key", [1], new());
        foreach (TimeSpan past in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromMinutes(-1)])
        {
            await Refused(nameof(DistributedCacheEntryOptions.AbsoluteExpiration), () => new() { AbsoluteExpiration = fixture.Clock.GetUtcNow() + past });
            await Refused(nameof(DistributedCacheEntryOptions.AbsoluteExpirationRelativeToNow), () => new() { AbsoluteExpirationRelativeToNow = past });
            await Refused(nameof(DistributedCacheEntryOptions.SlidingExpiration), () => new() { SlidingExpiration = past });
        }

        Assert.Equal([1], fixture.Cache.Get("key"));

        // The framework's own options refuse a time span that is not positive already.
        async Task Refused(string name, Func<DistributedCacheEntryOptions> options) =>
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(name, async () => await fixture.Cache.SetAsync("key", [2], options()));
    }

    [Fact]
    public void What_is_too_long_is_not_there_and_nor_is_what_was()
    {
        using var fixture = new CacheFixture(configure: options => options.MaxEntryBytes = 1000);
        fixture.Cache.Set("key", new byte[500], new());
        fixture.Cache.Set("key", new byte[5000], new());
        Assert.Null(fixture.Cache.Get("key"));
    }

    private static bool IsComplete(ValueTask call) => call.IsCompletedSuccessfully;

    private static bool IsComplete(ValueTask<bool> call) => call.IsCompletedSuccessfully;

    private static async Task<byte[]?> GetAsync(NativeDistributedCache cache, string key, bool isAsync) => isAsync ? await cache.GetAsync(key) : cache.Get(key);

    private static async Task<bool> TryGetAsync(NativeDistributedCache cache, string key, IBufferWriter<byte> writer, bool isAsync) =>
        isAsync ? await cache.TryGetAsync(key, writer) : cache.TryGet(key, writer);

    private static async Task SetAsync(NativeDistributedCache cache, string key, byte[] value, Source source, bool isAsync)
    {
        var options = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(5) };
        if (source == Source.Array)
        {
            if (isAsync)
            {
                await cache.SetAsync(key, value, options);
            }
            else
            {
                cache.Set(key, value, options);
            }

            return;
        }

        ReadOnlySequence<byte> sequence = TestSequences.Of(value, source);
        if (isAsync)
        {
            await cache.SetAsync(key, sequence, options);
        }
        else
        {
            cache.Set(key, sequence, options);
        }
    }

    private sealed class FailingWriter(bool inAdvance) : IBufferWriter<byte>
    {
        public void Advance(int count) => throw new InvalidOperationException("Advance");

        public Memory<byte> GetMemory(int sizeHint = 0) => inAdvance ? new byte[100_000] : throw new InvalidOperationException("GetMemory");

        public Span<byte> GetSpan(int sizeHint = 0) => inAdvance ? new byte[100_000] : throw new InvalidOperationException("GetSpan");
    }
}
