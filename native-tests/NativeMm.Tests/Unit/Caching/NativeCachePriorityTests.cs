using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>Entries that must not go, in a cache that is full of them.</summary>
public sealed class NativeCachePriorityTests : IDisposable
{
    private static readonly CacheEntryOptions s_stays = new() { Priority = CachePriority.NeverRemove };
    private readonly TestClock _clock = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
    private readonly NativeCache _cache;

    public NativeCachePriorityTests() => _cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20, TimeProvider = _clock });

    public void Dispose()
    {
        _cache.Dispose();
        _runtime.Dispose();
    }

    /// <summary>What lies free is enough for more, but in pieces that are too short to move anything into.</summary>
    [Fact]
    public void What_must_stay_stays_when_what_is_free_lies_in_pieces()
    {
        byte[] value = new byte[6000];
        int stored = 0;
        while (_cache.Set(BitConverter.GetBytes(stored), value, s_stays) && _cache.Set(BitConverter.GetBytes(-1 - stored), value.AsSpan(0, 500), s_stays))
        {
            stored++;
        }

        for (int i = 0; i < stored; i++)
        {
            Assert.True(_cache.Remove(BitConverter.GetBytes(-1 - i)));
        }

        for (int i = 0; i < 100; i++)
        {
            _ = _cache.Set(BitConverter.GetBytes(1_000_000 + i), value);
        }

        _cache.Validate();
        for (int i = 0; i < stored; i++)
        {
            Assert.True(_cache.Contains(BitConverter.GetBytes(i)), $"Entry {i} of {stored} had to go.");
        }
    }

    /// <summary>One in fifty has expired, wherever it lies in the index; the others must stay, and expire later or never.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_has_expired_makes_room_where_all_else_must_stay(bool expireLater)
    {
        CacheEntryOptions other = expireLater ? s_stays with { AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) } : s_stays;
        CacheEntryOptions soon = s_stays with { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1) };
        int stored = 0;
        while (_cache.Set(BitConverter.GetBytes(stored), new byte[200], stored % 50 == 0 ? soon : other))
        {
            stored++;
        }

        int expire = (stored + 49) / 50;
        Assert.InRange(expire, 50, 100);
        Assert.False(_cache.Set("more"u8, new byte[200], s_stays));
        _clock.Advance(999);
        Assert.False(_cache.Set("more"u8, new byte[200], s_stays));
        _clock.Advance(1);
        int more = 0;
        while (_cache.Set(BitConverter.GetBytes(stored + more), new byte[200], s_stays))
        {
            more++;
        }

        // A record that may expire has 8 bytes more than one that may not.
        Assert.InRange(more, expire - 1, expire);
        Assert.Equal(stored - expire + more, _cache.Count);
        _cache.Validate();
    }
}
