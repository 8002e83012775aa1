namespace NativeMm.Caching;

/// <summary>Why an entry left a <see cref="NativeCache"/>.</summary>
public enum CacheEvictionReason
{
    /// <summary>Room was needed: for another entry, or by the runtime, which was short of memory or was trimmed.</summary>
    Capacity,

    /// <summary>Its time was over.</summary>
    Expired,

    /// <summary>Another value was set for its key, or was refused.</summary>
    Replaced,

    /// <summary>It was removed, or the cache was cleared.</summary>
    Removed,
}
