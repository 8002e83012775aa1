using System.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>What changes the cache, counts it, and ends it.</content>
public sealed unsafe partial class NativeCache
{
    /// <summary>Sets the value of a key, in one step: whoever looks it up gets the old value or the new one.</summary>
    /// <param name="key">0 to 65,536 bytes.</param>
    /// <param name="value">0 bytes to 1 GiB.</param>
    /// <param name="options">When the entry ends, and how dear it is.</param>
    /// <returns>
    /// Whether the value was stored. False when key and value are longer than <see cref="NativeCacheOptions.MaxEntryBytes"/>, when there is no memory for them within the
    /// limit, or when the absolute expiration has passed; the old value is gone then, too.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">The key or the value is too long for any cache, or an option is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in CacheEntryOptions options = default)
    {
        options.Validate();
        ThrowIfTooLong(key.Length, value.Length);
        bool stored = _store.Set(key, value, TimesOf(options), options.Priority);
        GC.KeepAlive(this);
        return stored;
    }

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte}, in CacheEntryOptions)"/>
    /// <remarks>Pieces are put together in the runtime's heap first, beside the limit and until the call returns.</remarks>
    public bool Set(ReadOnlySpan<byte> key, in ReadOnlySequence<byte> value, in CacheEntryOptions options = default)
    {
        if (value.IsSingleSegment)
        {
            return Set(key, value.FirstSpan, options);
        }

        options.Validate();
        ThrowIfTooLong(key.Length, value.Length);

        // The clock may be a program's code, which might end the cache: before this is inside.
        CacheTimes times = TimesOf(options);

        // The heap's memory goes with the cache or its runtime: not before this has left.
        using StripedEndGate.Visit inside = _store.Inside();
        NativeHeap heap = _store.Heap;
        if (key.Length + value.Length > Options.EntryBytesMax || !heap.TryAlloc((nuint)value.Length, out void* whole))
        {
            _store.Refuse(key);
            GC.KeepAlive(this);
            return false;
        }

        try
        {
            var span = new Span<byte>(whole, (int)value.Length);
            _store.CopyPieces(in value, span);
            return _store.SetInside(key, span, times, options.Priority);
        }
        finally
        {
            heap.FreeForgotten(whole);
        }
    }

    /// <summary>Removes an entry.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <returns>Whether there was an entry of this key that had not expired.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        bool removed = _store.Remove(key);
        GC.KeepAlive(this);
        return removed;
    }

    /// <summary>Removes every entry that is there now. Entries that are set meanwhile may stay.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public void Clear()
    {
        _store.Clear();
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Removes what has expired, evicts a share of the rest if asked to, moves records together, and gives memory that no entry needs back to the runtime.
    /// </summary>
    /// <param name="share">Share of the entries to evict, 0 to 1; those that would go next. Default none.</param>
    /// <returns>Bytes that records and the index take less.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The share is not between 0 and 1.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public ulong Trim(double share = 0)
    {
        if (share is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "The share of the entries to evict is 0 to 1.");
        }

        ulong bytes = _store.Trim(share);
        GC.KeepAlive(this);
        return bytes;
    }

    /// <summary>Counts everything. Exact at rest.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public CacheStatistics GetStatistics()
    {
        CacheStatistics now = _store.GetStatistics();
        GC.KeepAlive(this);
        return now;
    }

    /// <summary>Checks the whole structure and its accounting. Call it at rest.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public void Validate()
    {
        _store.Validate();
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Gives all memory back. Waits for calls of other threads that are under way, with what they call: writers, codecs, clocks, listeners. A second call does nothing. Nobody is
    /// told of the entries that were in it.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// A lease is open, or the caller is a writer, codec, clock or listener that a call of this cache called. The cache stays as it is, unless another thread ends it.
    /// </exception>
    public void Dispose()
    {
        _store.ThrowIfHeld();
        _meter.Dispose();
        _store.End();
        GC.SuppressFinalize(this);
    }

    private static void ThrowIfTooLong(int key, long value)
    {
        if (key > NativeCacheOptions.KeyBytesMax)
        {
            throw new ArgumentOutOfRangeException(nameof(key), key, $"A key has 0 to {NativeCacheOptions.KeyBytesMax} bytes.");
        }

        if (value > NativeCacheOptions.ValueBytesMax)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, $"A value has 0 to {NativeCacheOptions.ValueBytesMax} bytes (1 GiB).");
        }
    }

    /// <summary>The times of an entry that is set now; the clock is asked only where there are any.</summary>
    private CacheTimes TimesOf(in CacheEntryOptions options) => options.HasExpiration || Options.DefaultExpiration is not null
        ? CacheTimes.Of(options, Options.DefaultExpiration, CacheTimes.Now(_clock))
        : new CacheTimes(CacheTimes.Never, CacheTimes.Never, 0);
}
