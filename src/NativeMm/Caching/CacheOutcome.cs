namespace NativeMm.Caching;

/// <summary>What became of a step under a shard's lock.</summary>
internal enum CacheOutcome
{
    /// <summary>It is done.</summary>
    Done,

    /// <summary>The index is full: it has to grow, for which no lock may be held.</summary>
    NeedsTable,

    /// <summary>The shard has nothing more to give: other shards have to.</summary>
    NeedsRoom,
}
