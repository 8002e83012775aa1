namespace NativeMm.Lab.Experiments.Cache;

/// <summary>A cache of numbered items: keys of 15 bytes or characters, values of 100 bytes that are copied in and out.</summary>
internal interface ICacheUnderTest : IDisposable
{
    /// <summary>Copies an item's value.</summary>
    /// <returns>Whether it was there.</returns>
    bool Get(int item, Span<byte> destination);

    /// <summary>Sets an item's value to a copy of this.</summary>
    void Set(int item, ReadOnlySpan<byte> value);

    /// <summary>Items that are in.</summary>
    long Count { get; }

    /// <summary>Bytes that the cache says it has, or null when it says nothing.</summary>
    long? CountedBytes { get; }
}
