using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Distributed;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

/// <summary>A second tier that fails on demand. Its entries end by the clock that it is given.</summary>
internal sealed class FakeTier(Func<DateTimeOffset>? now = null) : IDistributedCache
{
    private readonly ConcurrentDictionary<string, (byte[] Value, DateTimeOffset EndsAt, DistributedCacheEntryOptions Options)> _entries = new();
    private int _reads;
    private int _writes;
    private int _calls;

    /// <summary>What happens before each call; the name of the member is given. Null for nothing.</summary>
    public Func<string, CancellationToken, Task>? Before { get; set; }

    public int Reads => Volatile.Read(ref _reads);

    public int Writes => Volatile.Read(ref _writes);

    public int Calls => Volatile.Read(ref _calls);

    private DateTimeOffset Now => now?.Invoke() ?? DateTimeOffset.UtcNow;

    /// <summary>The bytes of an entry, to be damaged; null where there is none.</summary>
    public byte[]? this[string key]
    {
        get => _entries.TryGetValue(key, out var entry) && entry.EndsAt > Now ? entry.Value : null;
        set => _entries[key] = (value!, DateTimeOffset.MaxValue, new());
    }

    public DistributedCacheEntryOptions OptionsOf(string key) => _entries[key].Options;

    public void Forget(string key) => _entries.TryRemove(key, out _);

    public byte[]? Get(string key) => throw new NotSupportedException("Calls that block are not used.");

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException("Calls that block are not used.");

    public void Refresh(string key) => throw new NotSupportedException("Calls that block are not used.");

    public void Remove(string key) => throw new NotSupportedException("Calls that block are not used.");

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        Interlocked.Increment(ref _reads);
        await EnterAsync("Get", token);
        Slide(key);
        return this[key];
    }

    public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        Interlocked.Increment(ref _writes);
        await EnterAsync("Set", token);
        _entries[key] = (value, EndOf(options, DateTimeOffset.MaxValue), options);
    }

    public async Task RefreshAsync(string key, CancellationToken token = default)
    {
        await EnterAsync("Refresh", token);
        Slide(key);
    }

    public async Task RemoveAsync(string key, CancellationToken token = default)
    {
        await EnterAsync("Remove", token);
        Forget(key);
    }

    private Task EnterAsync(string member, CancellationToken token)
    {
        Interlocked.Increment(ref _calls);
        return Before?.Invoke(member, token) ?? Task.CompletedTask;
    }

    private DateTimeOffset EndOf(DistributedCacheEntryOptions options, DateTimeOffset latest)
    {
        TimeSpan left = TimeSpan.FromTicks(Math.Min(
            (options.AbsoluteExpirationRelativeToNow ?? TimeSpan.MaxValue).Ticks, (options.SlidingExpiration ?? TimeSpan.MaxValue).Ticks));
        return left > DateTimeOffset.MaxValue - Now ? latest : Now + left;
    }

    private void Slide(string key)
    {
        if (_entries.TryGetValue(key, out var entry) && entry.EndsAt > Now && entry.Options.SlidingExpiration is not null)
        {
            _entries[key] = entry with { EndsAt = EndOf(entry.Options, entry.EndsAt) };
        }
    }
}
