using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.Time.Testing;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>The store of output caching, by the contract of the framework's own.</summary>
public sealed class OutputCacheStoreTests : IDisposable
{
    private static readonly string[] s_tags = ["tag"];
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly NativeOutputCacheStore _store;

    public OutputCacheStoreTests() => _store = new NativeOutputCacheStore(_runtime, new NativeOutputCacheOptions { SizeLimit = 16 << 20 }, _clock);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task What_is_set_is_there_until_its_time_is_over(int length)
    {
        byte[] value = CacheFixture.Bytes(length);
        await _store.SetAsync("key", value, ["a", "b"], s_minute, default);
        Assert.Equal(value, await _store.GetAsync("key", default));
        _clock.Advance(s_minute + TimeSpan.FromMilliseconds(1));
        Assert.Null(await _store.GetAsync("key", default));
    }

    [Fact]
    public async Task Sequences_come_back_through_a_pipe()
    {
        byte[] value = CacheFixture.Bytes(50_000);
        await _store.SetAsync("key", Sequences.Of(value.AsMemory(0, 7000), value.AsMemory(7000, 0), value.AsMemory(7000)), s_tags, s_minute, default);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        Assert.True(await _store.TryGetAsync("key", pipe.Writer, default));
        Assert.True(pipe.Reader.TryRead(out ReadResult read));
        Assert.Equal(value, read.Buffer.ToArray());
        Assert.False(await _store.TryGetAsync("other", pipe.Writer, default));
    }

    [Fact]
    public async Task Reader_that_does_not_come_holds_no_entry()
    {
        await _store.SetAsync("key", CacheFixture.Bytes(50_000), null, s_minute, default);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1000, resumeWriterThreshold: 500));
        ValueTask<bool> stuck = _store.TryGetAsync("key", pipe.Writer, default);
        Assert.False(stuck.IsCompleted);
        _store.Dispose();
        await pipe.Reader.CompleteAsync();
        Assert.True(await stuck.AsTask().WaitAsync(CacheFixture.Timeout));
    }

    [Fact]
    public async Task Tag_evicts_what_was_set_under_it()
    {
        await _store.SetAsync("1", [1], ["products", "all"], s_minute, default);
        await _store.SetAsync("2", [2], ["orders", "all"], s_minute, default);
        await _store.SetAsync("3", [3], null, s_minute, default);
        await _store.EvictByTagAsync("products", default);
        Assert.Null(await _store.GetAsync("1", default));
        Assert.Equal([2], await _store.GetAsync("2", default));
        await _store.SetAsync("1", [4], ["products", "all"], s_minute, default);
        Assert.Equal([4], await _store.GetAsync("1", default));
        await _store.EvictByTagAsync("all", default);
        Assert.Null(await _store.GetAsync("1", default));
        Assert.Null(await _store.GetAsync("2", default));
        Assert.Equal([3], await _store.GetAsync("3", default));
        await _store.EvictByTagAsync("nobody's", default);
    }

    [Fact]
    public async Task What_is_too_long_is_not_there_nor_is_what_was()
    {
        await _store.SetAsync("key", [1], null, s_minute, default);
        await _store.SetAsync("key", new byte[8 << 20], null, s_minute, default);
        Assert.Null(await _store.GetAsync("key", default));
    }

    [Fact]
    public async Task Wrong_arguments_are_named()
    {
        await Assert.ThrowsAsync<ArgumentNullException>("key", async () => await _store.GetAsync(null!, default));
        await Assert.ThrowsAsync<ArgumentNullException>("key", async () => await _store.SetAsync(null!, [], null, s_minute, default));
        await Assert.ThrowsAsync<ArgumentNullException>("value", async () => await _store.SetAsync("key", null!, null, s_minute, default));
        await Assert.ThrowsAsync<ArgumentNullException>("tag", async () => await _store.EvictByTagAsync(null!, default));
        await Assert.ThrowsAsync<ArgumentNullException>("destination", async () => await _store.TryGetAsync("key", null!, default));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("validFor", async () => await _store.SetAsync("key", [], null, TimeSpan.Zero, default));
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _store.GetAsync("key", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _store.EvictByTagAsync("tag", cancelled));
        ArgumentOutOfRangeException thrown = Assert.Throws<ArgumentOutOfRangeException>(
            "SizeLimit", () => new NativeOutputCacheStore(_runtime, new NativeOutputCacheOptions { SizeLimit = 5 }));
        Assert.Contains("1 MiB to 8 TiB", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Limit_holds()
    {
        for (int i = 0; i < 2000; i++)
        {
            await ((IOutputCacheStore)_store).SetAsync($"key {i}", CacheFixture.Bytes(20_000, i), ["tag"], s_minute, default);
        }

        CacheStatistics now = _store.GetStatistics();
        Assert.InRange(now.UsedBytes, 1 << 20, now.SizeLimit);
        Assert.Equal(16 << 20, now.SizeLimit);
        Assert.NotEqual(0UL, _store.Trim(1));
    }

    public void Dispose()
    {
        _store.Dispose();
        _runtime.Dispose();
    }
}
