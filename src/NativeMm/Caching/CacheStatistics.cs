namespace NativeMm.Caching;

/// <summary>What a <see cref="NativeCache"/> holds and did. Bytes and counts of one moment; exact at rest.</summary>
public sealed record CacheStatistics
{
    /// <summary>Entries, those among them that have expired and were not met since.</summary>
    public required long Count { get; init; }

    /// <summary>Bytes of memory that the cache has: what counts against <see cref="SizeLimit"/>, and never passes it.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Most bytes that it may have.</summary>
    public required long SizeLimit { get; init; }

    /// <summary>Bytes of keys and of values as they are kept, perhaps compressed; a part of <see cref="UsedBytes"/>.</summary>
    public required long EntryBytes { get; init; }

    /// <summary>Bytes of the index and of the bookkeeping for eviction; a part of <see cref="UsedBytes"/>.</summary>
    public required long IndexBytes { get; init; }

    /// <summary>Lookups that found an entry, since the start.</summary>
    public required long Hits { get; init; }

    /// <summary>Lookups that did not.</summary>
    public required long Misses { get; init; }

    /// <summary>Entries stored, new ones and replaced ones.</summary>
    public required long Sets { get; init; }

    /// <summary>Entries that were refused: too large, no memory, or expired from the start.</summary>
    public required long Refusals { get; init; }

    /// <summary>Entries that left for <see cref="CacheEvictionReason.Capacity"/>.</summary>
    public required long Evictions { get; init; }

    /// <summary>Entries that left for <see cref="CacheEvictionReason.Expired"/>.</summary>
    public required long Expirations { get; init; }

    /// <summary>Share of lookups that found an entry: 0 to 1, and 0 before the first.</summary>
    public double HitRatio => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);
}
