using NativeMm.Caching;

namespace NativeMm.Extensions;

/// <summary>What a <see cref="NativeDistributedCache"/> holds and did. Counts are since the start; those of the second tier are 0 where there is none.</summary>
public sealed record NativeDistributedCacheStatistics
{
    /// <summary>The cache in this process.</summary>
    public required CacheStatistics Local { get; init; }

    /// <summary>Reads of the second tier that found an entry.</summary>
    public long TierHits { get; init; }

    /// <summary>Reads of the second tier that found none, or one that was over or damaged.</summary>
    public long TierMisses { get; init; }

    /// <summary>Reads that shared the load of another one.</summary>
    public long TierSharedLoads { get; init; }

    /// <summary>Calls of the second tier that threw.</summary>
    public long TierErrors { get; init; }

    /// <summary>Calls of the second tier that took longer than <see cref="NativeDistributedCacheOptions.SecondTierTimeout"/>.</summary>
    public long TierTimeouts { get; init; }

    /// <summary>Calls of the second tier that were left out because the circuit was open.</summary>
    public long TierRejected { get; init; }

    /// <summary>Entries of the second tier that were damaged, or not written by this library.</summary>
    public long TierCorrupt { get; init; }

    /// <summary>Writes that the second tier had missed and got later.</summary>
    public long TierRepairs { get; init; }

    /// <summary>Whether the second tier is asked.</summary>
    public TierCircuitState TierCircuit { get; init; }

    /// <summary>What the last call of the second tier that failed said; null if none did.</summary>
    public string? TierLastFailure { get; init; }

    internal static NativeDistributedCacheStatistics Of(CacheStatistics local, SecondTier? tier) => tier is null
        ? new() { Local = local }
        : new()
        {
            Local = local,
            TierHits = tier.Counts.Hits,
            TierMisses = tier.Counts.Misses,
            TierSharedLoads = tier.Counts.Shared,
            TierErrors = tier.Counts.Errors,
            TierTimeouts = tier.Counts.Timeouts,
            TierRejected = tier.Counts.Rejected,
            TierCorrupt = tier.Counts.Corrupt,
            TierRepairs = tier.Counts.Repairs,
            TierCircuit = tier.State,
            TierLastFailure = tier.LastFailure,
        };
}
