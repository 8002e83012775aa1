namespace NativeMm.Caching;

/// <summary>What a <see cref="CacheEvictionHandler"/> is told of an entry that left.</summary>
public readonly ref struct CacheEviction
{
    internal CacheEviction(ReadOnlySpan<byte> key, long valueLength, CacheEvictionReason reason)
    {
        Key = key;
        ValueLength = valueLength;
        Reason = reason;
    }

    /// <summary>The entry's key; valid during the call.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <summary>Bytes of the value that left.</summary>
    public long ValueLength { get; }

    /// <summary>Why it left.</summary>
    public CacheEvictionReason Reason { get; }
}
