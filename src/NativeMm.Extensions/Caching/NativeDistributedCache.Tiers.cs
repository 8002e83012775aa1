using System.Buffers;
using NativeMm.Caching;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

public sealed partial class NativeDistributedCache
{
    /// <summary>Looks in this process.</summary>
    /// <param name="key">The key.</param>
    /// <param name="sink">Gets the value on a hit.</param>
    /// <param name="load">Who brings it otherwise; null where nobody does.</param>
    private bool TryGetHere<TSink>(string key, ref TSink sink, out Task<TierAnswer>? load)
        where TSink : struct, ICacheSink
    {
        load = null;
        if (_tiers is not null)
        {
            LocalAnswer answer = _tiers.Look(key, ref sink);
            load = answer == LocalAnswer.Ask ? _tiers.LoadAsync(key) : null;
            return answer == LocalAnswer.Hit;
        }

        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        if (!_cache.TryGet(name.Bytes, isCall: true, out CacheLease entry))
        {
            return false;
        }

        using (entry)
        {
            sink.Take(entry.Span);
            return true;
        }
    }

    private bool Finish<TSink>(string key, TierAnswer answer, ref TSink sink)
        where TSink : struct, ICacheSink
    {
        if (answer.Value is { } value)
        {
            sink.Take(value.Span);
            return true;
        }

        try
        {
            return answer.IsLocal && _tiers!.Look(key, ref sink, anyAge: true) == LocalAnswer.Hit;
        }
        catch (ObjectDisposedException) when (Atomic.LoadAcquire(in _ends) != 0)
        {
            // The cache ended while this waited for the tier: nothing is here any more.
            return false;
        }
    }

    private Task SetBoth(string key, in ReadOnlySequence<byte> value, EntryLifetime lifetime)
    {
        if (value.Length > NativeCacheOptions.ValueBytesMax - LocalHead.Bytes)
        {
            return RemoveBoth(key);
        }

        if (_tiers is not null)
        {
            return _tiers.SetAsync(key, in value, lifetime);
        }

        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        var options = new CacheEntryOptions
        {
            AbsoluteExpiration = lifetime.EndsAt != 0 ? DateTimeOffset.FromUnixTimeMilliseconds(lifetime.EndsAt) : null,
            SlidingExpiration = lifetime.Sliding != 0 ? TimeSpan.FromMilliseconds(lifetime.Sliding) : null,
        };
        _cache.Set(name.Bytes, in value, in options);
        return Task.CompletedTask;
    }

    private Task RemoveBoth(string key)
    {
        if (_tiers is not null)
        {
            return _tiers.RemoveAsync(key);
        }

        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        _cache.Remove(name.Bytes);
        return Task.CompletedTask;
    }

    private Task RefreshBoth(string key)
    {
        if (_tiers is not null)
        {
            return _tiers.RefreshAsync(key);
        }

        using var name = new CacheKey(key, stackalloc byte[CacheKey.StackBytes]);
        _cache.Refresh(name.Bytes);
        return Task.CompletedTask;
    }
}
