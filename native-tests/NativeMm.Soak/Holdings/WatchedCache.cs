using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A cache for all owners of a world, and what must hold of it at each moment of rest.</summary>
internal sealed class WatchedCache : IDisposable
{
    private readonly string _place;
    private long _strangeEvictions;

    /// <param name="runtime">Where its memory comes from.</param>
    /// <param name="place">For messages.</param>
    /// <param name="bytes">What it may have.</param>
    public WatchedCache(MemoryRuntime runtime, string place, long bytes)
    {
        _place = place;
        Cache = new NativeCache(runtime, new NativeCacheOptions
        {
            Name = $"cache of {place}",
            SizeLimit = bytes,
            Codec = PageCodecs.Available[0],
            CompressFromBytes = 1 << 10,
            Evicted = NoteEviction,
        });
    }

    /// <summary>The cache.</summary>
    public NativeCache Cache { get; }

    /// <summary>One of the things that give memory back or count it.</summary>
    public void Trim(Chance chance)
    {
        switch (chance.Below(20))
        {
            case 0:
                Cache.Clear();
                break;
            case < 10:
                Cache.Trim(chance.OneIn(4) ? 0.1 : 0);
                break;
            default:
                _ = Cache.GetStatistics();
                break;
        }
    }

    /// <summary>Looks at everything, at rest.</summary>
    /// <exception cref="FindingException">Something does not add up.</exception>
    public void Validate()
    {
        Cache.Validate();
        CacheStatistics statistics = Cache.GetStatistics();
        if (statistics.UsedBytes > statistics.SizeLimit)
        {
            throw new FindingException($"cache of {_place}", 0, $"at most {statistics.SizeLimit} bytes", $"{statistics.UsedBytes}");
        }

        if (Volatile.Read(ref _strangeEvictions) is not 0 and var strange)
        {
            throw new FindingException($"cache of {_place}", 0, "that who is told of evictions is told of keys that were set", $"{strange} others");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Cache.Dispose();

    private void NoteEviction(in CacheEviction eviction)
    {
        if (eviction.Key.Length != sizeof(ulong) || eviction.ValueLength < 0 || eviction.ValueLength > CacheHolding.ValueBytesMax)
        {
            Interlocked.Increment(ref _strangeEvictions);
        }
    }
}
