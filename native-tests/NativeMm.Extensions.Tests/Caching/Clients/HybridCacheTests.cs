using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Clients;

/// <summary>The framework's HybridCache on top of ours, by its real package. Each host has a local cache of its own, or none.</summary>
public sealed class HybridCacheTests
{
    private static readonly HybridCacheEntryOptions s_noLocal = new()
    {
        Flags = HybridCacheEntryFlags.DisableLocalCache,
        Expiration = TimeSpan.FromMinutes(5),
    };

    [Fact]
    public async Task Value_that_one_host_made_another_finds()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider one = Host(fixture.Cache);
        await using ServiceProvider other = Host(fixture.Cache);
        Order made = await Cache(one).GetOrCreateAsync("order:1", static _ => ValueTask.FromResult(new Order(1, "made")));
        Assert.Equal(new Order(1, "made"), made);
        await SecondTier(fixture);
        Order found = await Cache(other).GetOrCreateAsync("order:1", static _ => ValueTask.FromResult(new Order(1, "made again")));
        Assert.Equal(made, found);
    }

    [Fact]
    public async Task Expiration_of_an_entry_is_kept_by_ours()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider host = Host(fixture.Cache);
        await Cache(host).SetAsync("key", "first", s_noLocal);
        fixture.Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal("first", await GetAsync(host, "key", "second"));
        fixture.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("second", await GetAsync(host, "key", "second"));
    }

    [Fact]
    public async Task Removal_by_key_and_by_tag_goes_through()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider host = Host(fixture.Cache);
        await Cache(host).SetAsync("a", "old", s_noLocal, ["tag"]);
        await Cache(host).SetAsync("b", "old", s_noLocal);
        await Cache(host).RemoveAsync("b");
        Assert.Equal("new", await GetAsync(host, "b", "new"));
        Assert.Equal("old", await GetAsync(host, "a", "new"));
        await Cache(host).RemoveByTagAsync("tag");
        Assert.Equal("new", await GetAsync(host, "a", "new"));

        // The framework keeps the time of a tag's removal in the cache, for another host.
        Assert.NotNull(fixture.Cache.Get("__MSFT_HCT__tag"));
    }

    /// <summary>Its writer throws as soon as the value is longer than the host allows.</summary>
    [Fact]
    public async Task Value_that_is_too_long_for_the_client_stays_whole_in_ours()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider large = Host(fixture.Cache);
        await using ServiceProvider small = Host(fixture.Cache, options => options.MaximumPayloadBytes = 1000);
        string text = new('x', 100_000);
        await Cache(large).SetAsync("key", text, s_noLocal);
        await SecondTier(fixture);
        byte[] kept = fixture.Cache.Get("key")!;
        for (int i = 0; i < 10; i++)
        {
            try
            {
                await Cache(small).GetOrCreateAsync(
                    "key", static _ => ValueTask.FromResult("short"), new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCache | HybridCacheEntryFlags.DisableDistributedCacheWrite });
            }
            catch (InvalidOperationException)
            {
                // Some versions pass on what their own writer throws.
            }
        }

        Assert.Equal(kept, fixture.Cache.Get("key"));
        Assert.Equal(text, await GetAsync(large, "key", "another"));
    }

    [Fact]
    public async Task Many_readers_of_a_key_make_it_once()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider host = Host(fixture.Cache);
        int made = 0;
        var goOn = new TaskCompletionSource();
        Task<string>[] readers = [.. Enumerable.Range(0, 50).Select(_ => Cache(host).GetOrCreateAsync("key", async _ =>
        {
            Interlocked.Increment(ref made);
            await goOn.Task;
            return "value";
        }).AsTask())];
        goOn.SetResult();
        Assert.All(await Task.WhenAll(readers).WaitAsync(CacheFixture.Timeout), value => Assert.Equal("value", value));
        Assert.Equal(1, made);
    }

    /// <summary>Its flags say whether it asks ours, and whether it gives ours anything.</summary>
    [Fact]
    public async Task Flags_of_the_client_keep_it_from_reading_and_from_writing()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider host = Host(fixture.Cache);
        HybridCacheEntryOptions noWrite = With(HybridCacheEntryFlags.DisableDistributedCacheWrite);
        Assert.Equal("first", await Cache(host).GetOrCreateAsync("key", static _ => ValueTask.FromResult("first"), noWrite));
        Assert.Equal(0, fixture.Statistics.Local.Count);

        await Cache(host).SetAsync("key", "kept", s_noLocal);
        await SecondTier(fixture);
        Assert.Equal("made", await Cache(host).GetOrCreateAsync(
            "key", static _ => ValueTask.FromResult("made"), With(HybridCacheEntryFlags.DisableDistributedCacheRead | HybridCacheEntryFlags.DisableDistributedCacheWrite)));
        Assert.Equal("kept", await GetAsync(host, "key", "another"));
        Assert.Equal("kept", await Cache(host).GetOrCreateAsync(
            "key", static _ => ValueTask.FromResult("unasked"), With(HybridCacheEntryFlags.DisableUnderlyingData)));
        Assert.Null(await Cache(host).GetOrCreateAsync<string?>(
            "none", static _ => ValueTask.FromResult<string?>("unasked"), With(HybridCacheEntryFlags.DisableUnderlyingData)));

        static HybridCacheEntryOptions With(HybridCacheEntryFlags flags) => new() { Flags = HybridCacheEntryFlags.DisableLocalCache | flags };
    }

    /// <summary>Bytes, empty ones and long ones, and what is no text: ours keeps what the client's serializers make of them.</summary>
    [Fact]
    public async Task Values_of_every_kind_come_back_to_another_host()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider one = Host(fixture.Cache);
        await using ServiceProvider other = Host(fixture.Cache);
        byte[] bytes = CacheFixture.Bytes(300_000);
        await Cache(one).SetAsync("bytes", bytes, s_noLocal);
        await Cache(one).SetAsync("empty", Array.Empty<byte>(), s_noLocal);
        await Cache(one).SetAsync("number", 42, s_noLocal);
        await Cache(one).SetAsync("order", new Order(7, "Grüße"), s_noLocal);
        await Tiers.SecondTierTests.Until(() => fixture.Statistics.Local.Count == 4);
        Assert.Equal(bytes, await Cache(other).GetOrCreateAsync("bytes", static _ => ValueTask.FromResult<byte[]>([]), s_noLocal));
        Assert.Empty(await Cache(other).GetOrCreateAsync("empty", static _ => ValueTask.FromResult<byte[]>([1]), s_noLocal));
        Assert.Equal(42, await Cache(other).GetOrCreateAsync("number", static _ => ValueTask.FromResult(0), s_noLocal));
        Assert.Equal(new Order(7, "Grüße"), await Cache(other).GetOrCreateAsync("order", static _ => ValueTask.FromResult(new Order(0, "")), s_noLocal));
    }

    /// <summary>What a program's serializer throws while it writes never reaches ours, and while it reads changes nothing of ours.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Serializer_that_throws_leaves_ours_as_it_was(bool whileReading)
    {
        using var fixture = new CacheFixture();
        var serializer = new OrderSerializer();
        await using ServiceProvider host = Host(fixture.Cache, serializer: serializer);
        var order = new Order(1, "made");
        if (whileReading)
        {
            await Cache(host).SetAsync("key", order, s_noLocal);
            await SecondTier(fixture);
        }

        byte[]? before = fixture.Cache.Get("key");
        serializer.Fails = true;
        for (int i = 0; i < 10; i++)
        {
            try
            {
                await Cache(host).GetOrCreateAsync("key", static _ => ValueTask.FromResult(new Order(2, "again")), s_noLocal);
            }
            catch (InvalidDataException)
            {
                // Some versions pass on what a serializer throws.
            }
        }

        Assert.NotEqual(0, serializer.Failures);
        Assert.Equal(before, fixture.Cache.Get("key"));
        serializer.Fails = false;
        await Cache(host).SetAsync("key", order, s_noLocal);
        await SecondTier(fixture);
        Assert.Equal(order, await Cache(host).GetOrCreateAsync("key", static _ => ValueTask.FromResult(new Order(3, "once more")), s_noLocal));
    }

    [Fact]
    public async Task Caller_that_gives_up_leaves_the_value_to_the_others_and_to_ours()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider host = Host(fixture.Cache);
        using var givesUp = new CancellationTokenSource();
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        Task<string> first = ReadAsync(givesUp.Token);
        await arrived.Task.WaitAsync(CacheFixture.Timeout);
        Task<string> second = ReadAsync(CancellationToken.None);
        await givesUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(CacheFixture.Timeout));
        goOn.SetResult();
        Assert.Equal("value", await second.WaitAsync(CacheFixture.Timeout));
        await SecondTier(fixture);
        Assert.Equal("value", await GetAsync(host, "key", "another"));

        Task<string> ReadAsync(CancellationToken token) => Cache(host).GetOrCreateAsync(
            "key",
            async _ =>
            {
                arrived.TrySetResult();
                await goOn.Task;
                return "value";
            },
            s_noLocal,
            cancellationToken: token).AsTask();
    }

    [Theory]
    [InlineData("throws at once")]
    [InlineData("throws later")]
    [InlineData("answers later")]
    public async Task Broken_second_tier_below_is_not_noticed(string how)
    {
        var tier = new Tiers.FakeTier
        {
            Before = (_, stop) => how switch
            {
                "throws at once" => throw new InvalidOperationException("down"),
                "throws later" => Task.Run(() => throw new InvalidOperationException("down"), CancellationToken.None),
                _ => Task.Delay(1, stop),
            },
        };
        using var fixture = new CacheFixture(tier);
        await using ServiceProvider host = Host(fixture.Cache);
        Assert.Equal("made", await GetAsync(host, "key", "made"));
        await SecondTier(fixture);
        Assert.Equal("made", await GetAsync(host, "key", "again"));
    }

    private static async Task SecondTier(CacheFixture fixture) => await Tiers.SecondTierTests.Until(() => fixture.Statistics.Local.Count > 0);

    private static HybridCache Cache(ServiceProvider host) => host.GetRequiredService<HybridCache>();

    private static async Task<string> GetAsync(ServiceProvider host, string key, string made) =>
        await Cache(host).GetOrCreateAsync(key, made, static (made, _) => ValueTask.FromResult(made), s_noLocal);

    private static ServiceProvider Host(
        IDistributedCache cache, Action<HybridCacheOptions>? configure = null, IHybridCacheSerializer<Order>? serializer = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton(cache);
        IHybridCacheBuilder builder = services.AddHybridCache(options => configure?.Invoke(options));
        if (serializer is not null)
        {
            builder.AddSerializer(serializer);
        }

        return services.BuildServiceProvider();
    }

    private sealed record Order(int Id, string Text);

    private sealed class OrderSerializer : IHybridCacheSerializer<Order>
    {
        private int _failures;

        public bool Fails { get; set; }

        public int Failures => Volatile.Read(ref _failures);

        public Order Deserialize(ReadOnlySequence<byte> source)
        {
            ThrowIfFailing();
            return JsonSerializer.Deserialize<Order>(source.ToArray())!;
        }

        public void Serialize(Order value, IBufferWriter<byte> target)
        {
            // Half of it is written already.
            byte[] text = JsonSerializer.SerializeToUtf8Bytes(value);
            target.Write(text.AsSpan(0, text.Length / 2));
            ThrowIfFailing();
            target.Write(text.AsSpan(text.Length / 2));
        }

        private void ThrowIfFailing()
        {
            if (Fails)
            {
                Interlocked.Increment(ref _failures);
                throw new InvalidDataException("broken");
            }
        }
    }
}
