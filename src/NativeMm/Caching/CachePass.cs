namespace NativeMm.Caching;

/// <summary>What a pass of the background has done in a shard, and may still do. Belongs to whoever makes the pass.</summary>
internal struct CachePass
{
    /// <summary>Buckets that were looked at for what has expired.</summary>
    public uint Looked;

    /// <summary>Buckets up to which it looks.</summary>
    public uint LooksMax;

    /// <summary>Entries that had expired.</summary>
    public long Gone;

    /// <summary>Entries of the shard that could expire when the pass began.</summary>
    public long Expiring;

    /// <summary>Units that may still be moved to empty segments.</summary>
    public long Units;

    /// <summary>Whether the index has had far too many buckets for several passes.</summary>
    public bool IsSparse;
}
