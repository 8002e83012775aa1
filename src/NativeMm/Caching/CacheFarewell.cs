namespace NativeMm.Caching;

/// <summary>What a handler is yet to be told of an entry that left.</summary>
/// <param name="Key">Its key.</param>
/// <param name="ValueLength">Bytes of its value.</param>
/// <param name="Reason">Why it left.</param>
internal readonly record struct CacheFarewell(byte[] Key, long ValueLength, CacheEvictionReason Reason);
