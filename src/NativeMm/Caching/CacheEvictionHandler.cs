namespace NativeMm.Caching;

/// <summary>
/// Is told of every entry that left a cache, once, after it left: on the thread whose call made it leave, outside of all locks. It may use the cache, and must not dispose of
/// it. What it throws is written to the event source and goes no further. What its own calls make leave it is told of before that first call returns, which never happens
/// where it sets everything again in a cache that is full.
/// </summary>
/// <param name="eviction">What left, and why.</param>
public delegate void CacheEvictionHandler(in CacheEviction eviction);
