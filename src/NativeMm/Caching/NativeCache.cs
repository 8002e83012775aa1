using System.Buffers;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Caching;

/// <summary>
/// Byte keys to byte values outside of the garbage collected heap, within a limit of bytes that holds. Lookups take no lock. Thread-safe, all of it.
/// </summary>
/// <remarks>
/// <para>Keys have 0 to 65,536 bytes, values 0 bytes to 1 GiB. They are copied in and out.</para>
/// <para>When the limit is reached, entries leave by a replacement policy that resists scans and loops. What has expired is never given out, and its memory is
/// taken for what comes next.</para>
/// <para>A cache whose runtime was disposed first is disposed as well. Leases end before their cache does.</para>
/// </remarks>
public sealed unsafe class NativeCache : IDisposable
{
    private readonly NativeHeap _heap;
    private readonly TimeProvider _clock;
    private readonly Dictionary<byte[], Entry> _entries = new(KeyComparer.Instance);
    private readonly LinkedList<byte[]> _order = new();
    private readonly List<(byte[] Key, long ValueLength, CacheEvictionReason Reason)> _left = [];
    private readonly FailureLog _handlerFailures = new("a handler of evictions");
    private SleepLock _lock;
    private bool _disposed;
    private long _used;
    private long _entryBytes;
    private long _hits;
    private long _misses;
    private long _sets;
    private long _refusals;
    private long _evictions;
    private long _expirations;

    /// <summary>Makes an empty cache on <see cref="MemoryRuntime.Shared"/>.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <inheritdoc cref="NativeCache(MemoryRuntime, NativeCacheOptions)"/>
    public NativeCache(NativeCacheOptions? options = null)
        : this(MemoryRuntime.Shared, options)
    {
    }

    /// <summary>Makes an empty cache.</summary>
    /// <param name="runtime">Whose memory it takes, and whose end it shares.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="ArgumentNullException">The runtime is null, or an option.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the bookkeeping.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public NativeCache(MemoryRuntime runtime, NativeCacheOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        Options = options ?? new NativeCacheOptions();
        Options.Validate();
        _heap = runtime.Heap;
        _clock = Options.TimeProvider;
    }

    /// <summary>The options in force.</summary>
    public NativeCacheOptions Options { get; }

    /// <summary>Entries, those among them that have expired and were not met since. Another thread may change that at once.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public long Count
    {
        get
        {
            using (EnterScope())
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Looks a value up and writes it to a writer.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <param name="destination">
    /// Gets the value. It is asked for memory and told of what was written with no lock held; what it throws passes through, and the entry stays. A miss does not
    /// touch it.
    /// </param>
    /// <returns>Whether there is an entry of this key that has not expired.</returns>
    /// <exception cref="ArgumentNullException">The writer is null.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!TryGet(key, out CacheLease lease))
        {
            return false;
        }

        using (lease)
        {
            destination.Write(lease.Span);
            return true;
        }
    }

    /// <summary>Looks a value up and copies it.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <param name="destination">Gets the value. Undefined when false is returned.</param>
    /// <param name="length">
    /// Bytes of the value when it was copied. When it does not fit, false is returned with the bytes that are needed, which are more than the destination has; after a
    /// miss this is 0.
    /// </param>
    /// <returns>Whether there is an entry of this key that has not expired, and it was copied.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, Span<byte> destination, out int length)
    {
        using (EnterScope())
        {
            length = 0;
            if (!TryHit(key, out Entry? entry))
            {
                return false;
            }

            length = entry.Length;
            return new ReadOnlySpan<byte>(entry.Block, length).TryCopyTo(destination);
        }
    }

    /// <summary>Looks a value up without copying it.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <param name="lease">The value, to be disposed; after a miss a lease that need not be.</param>
    /// <returns>Whether there is an entry of this key that has not expired.</returns>
    /// <exception cref="InvalidOperationException">The thread holds six leases already.</exception>
    /// <exception cref="OutOfMemoryException">The value is kept compressed, and there is no memory to restore it in.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, out CacheLease lease)
    {
        using (EnterScope())
        {
            lease = default;
            if (!TryHit(key, out Entry? entry))
            {
                return false;
            }

            void* copy = _heap.Alloc((nuint)entry.Length);
            Unsafe.CopyBlockUnaligned(copy, entry.Block, (uint)entry.Length);
            lease = new CacheLease(_heap, copy, entry.Length);
            return true;
        }
    }

    /// <summary>Whether there is an entry of this key that has not expired. It is no use of the entry: neither a sliding expiration nor its chances to stay change.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Contains(ReadOnlySpan<byte> key)
    {
        using (EnterScope())
        {
            return TryFind(key, out Entry? entry) && !IsExpired(entry);
        }
    }

    /// <summary>Uses an entry without reading it: renews a sliding expiration.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <returns>Whether there is an entry of this key that has not expired.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Refresh(ReadOnlySpan<byte> key)
    {
        using (EnterScope())
        {
            return TryFind(key, out Entry? entry) && !IsExpired(entry) && Use(entry);
        }
    }

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
        bool stored;
        using (EnterScope())
        {
            stored = Store(key, value, options);
        }

        Tell();
        return stored;
    }

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte}, in CacheEntryOptions)"/>
    public bool Set(ReadOnlySpan<byte> key, in ReadOnlySequence<byte> value, in CacheEntryOptions options = default)
    {
        if (value.IsSingleSegment)
        {
            return Set(key, value.FirstSpan, options);
        }

        ThrowIfTooLong(key.Length, value.Length);
        void* whole = _heap.Alloc((nuint)value.Length);
        try
        {
            var span = new Span<byte>(whole, (int)value.Length);
            value.CopyTo(span);
            return Set(key, span, options);
        }
        finally
        {
            _heap.Free(whole);
        }
    }

    /// <summary>Removes an entry.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <returns>Whether there was an entry of this key that had not expired.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        bool removed;
        using (EnterScope())
        {
            removed = TryFind(key, out Entry? entry);
            if (removed)
            {
                removed = !IsExpired(entry!);
                Drop(entry!, removed ? CacheEvictionReason.Removed : CacheEvictionReason.Expired);
            }
        }

        Tell();
        return removed;
    }

    /// <summary>Removes every entry that is there now. Entries that are set meanwhile may stay.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public void Clear()
    {
        using (EnterScope())
        {
            foreach (Entry entry in _entries.Values.ToArray())
            {
                Drop(entry, CacheEvictionReason.Removed);
            }
        }

        Tell();
    }

    /// <summary>Removes what has expired, evicts a share of the rest if asked to, and gives memory that no entry needs back to the runtime.</summary>
    /// <param name="share">Share of the entries to evict, 0 to 1; those that would go next. Default none.</param>
    /// <returns>Bytes that the cache has less.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The share is not between 0 and 1.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public ulong Trim(double share = 0)
    {
        if (share is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), share, "The share of the entries to evict is 0 to 1.");
        }

        ulong bytes;
        using (EnterScope())
        {
            long before = _used;
            long evict = (long)(share * _entries.Count);
            foreach (Entry entry in _entries.Values.Where(IsExpired).ToArray())
            {
                Drop(entry, CacheEvictionReason.Expired);
            }

            while (evict-- > 0 && EvictOne())
            {
            }

            bytes = (ulong)(before - _used);
        }

        Tell();
        return bytes;
    }

    /// <summary>Counts everything. Exact at rest.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public CacheStatistics GetStatistics()
    {
        using (EnterScope())
        {
            return new CacheStatistics
            {
                Count = _entries.Count,
                UsedBytes = _used,
                SizeLimit = Options.SizeLimit,
                EntryBytes = _entryBytes,
                IndexBytes = _used - _entryBytes,
                Hits = _hits,
                Misses = _misses,
                Sets = _sets,
                Refusals = _refusals,
                Evictions = _evictions,
                Expirations = _expirations,
            };
        }
    }

    /// <summary>Checks the whole structure and its accounting. Call it at rest.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public void Validate()
    {
        using (EnterScope())
        {
            long bytes = _entries.Sum(pair => (long)pair.Key.Length + pair.Value.Length);
            Invariant.Check(bytes == _entryBytes, $"The cache holds {bytes} bytes of entries and counts {_entryBytes}.");
            Invariant.Check(_used <= Options.SizeLimit, $"The cache has {_used} bytes of {Options.SizeLimit}.");
        }
    }

    /// <summary>
    /// Gives all memory back. Waits for calls that are under way. A second call does nothing. Entries that were in it are not told of.
    /// </summary>
    /// <exception cref="InvalidOperationException">A lease is open. The cache stays as it is.</exception>
    public void Dispose()
    {
        using (_lock.EnterScope())
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            foreach (Entry entry in _entries.Values)
            {
                _heap.FreeForgotten(entry.Block);
            }

            _entries.Clear();
        }
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

    private SleepLock.Scope EnterScope()
    {
        SleepLock.Scope scope = _lock.EnterScope();
        if (_disposed || _heap.IsDisposed)
        {
            scope.Dispose();
            throw new ObjectDisposedException(nameof(NativeCache), $"The cache '{Options.Name}' is disposed, or its runtime.");
        }

        return scope;
    }

    private bool TryFind(ReadOnlySpan<byte> key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Entry? entry) =>
        _entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out entry);

    private bool TryHit(ReadOnlySpan<byte> key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Entry? entry)
    {
        if (TryFind(key, out entry) && !IsExpired(entry))
        {
            _hits++;
            return Use(entry);
        }

        _misses++;
        return false;
    }

    private bool IsExpired(Entry entry) => entry.Deadline <= Now();

    private long Now() => _clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerMillisecond;

    private bool Use(Entry entry)
    {
        _order.Remove(entry.Node);
        _order.AddLast(entry.Node);
        if (entry.Sliding != 0)
        {
            entry.Deadline = long.Min(entry.Absolute, Now() + entry.Sliding);
        }

        return true;
    }

    private bool Store(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in CacheEntryOptions options)
    {
        if (TryFind(key, out Entry? old))
        {
            Drop(old, IsExpired(old) ? CacheEvictionReason.Expired : CacheEvictionReason.Replaced);
        }

        long now = Now();
        var times = CacheTimes.Of(options, Options.DefaultExpiration, now);
        long bytes = (long)NativeHeapBytes(value.Length) + key.Length + Entry.Overhead;
        if (times.Deadline <= now || key.Length + (long)value.Length > Options.EntryBytesMax || bytes > Options.SizeLimit)
        {
            _refusals++;
            return false;
        }

        while (_used + bytes > Options.SizeLimit)
        {
            if (!EvictOne())
            {
                _refusals++;
                return false;
            }
        }

        if (!_heap.TryAlloc((nuint)value.Length, out void* block))
        {
            _refusals++;
            return false;
        }

        value.CopyTo(new Span<byte>(block, value.Length));
        byte[] kept = key.ToArray();
        _entries.Add(kept, new Entry(kept, block, value.Length, bytes, options.Priority, _order.AddLast(kept))
        {
            Deadline = times.Deadline,
            Absolute = times.Absolute,
            Sliding = times.Sliding,
        });
        _used += bytes;
        _entryBytes += key.Length + value.Length;
        _sets++;
        return true;
    }

    private static nuint NativeHeapBytes(int length) => length switch
    {
        0 => 16,
        <= SizeClass.BytesMax => SizeClass.BlockBytesFor((nuint)length),
        _ => ((nuint)length + 4095) & ~(nuint)4095,
    };

    private bool EvictOne()
    {
        Entry? victim = null;
        int best = int.MaxValue;
        foreach (byte[] key in _order)
        {
            Entry entry = _entries[key];
            if (IsExpired(entry))
            {
                Drop(entry, CacheEvictionReason.Expired);
                return true;
            }

            if (entry.Priority != CachePriority.NeverRemove && (int)entry.Priority < best)
            {
                victim = entry;
                best = (int)entry.Priority;
                if (best < 0)
                {
                    break;
                }
            }
        }

        if (victim is null)
        {
            return false;
        }

        Drop(victim, CacheEvictionReason.Capacity);
        return true;
    }

    private void Drop(Entry entry, CacheEvictionReason reason)
    {
        _entries.Remove(entry.Key);
        _order.Remove(entry.Node);
        _used -= entry.Bytes;
        _entryBytes -= entry.Key.Length + entry.Length;
        _evictions += reason == CacheEvictionReason.Capacity ? 1 : 0;
        _expirations += reason == CacheEvictionReason.Expired ? 1 : 0;
        _heap.Free(entry.Block);
        if (Options.Evicted is not null)
        {
            _left.Add((entry.Key, entry.Length, reason));
        }
    }

    private void Tell()
    {
        if (Options.Evicted is not { } handler)
        {
            return;
        }

        (byte[] Key, long ValueLength, CacheEvictionReason Reason)[] left;
        using (_lock.EnterScope())
        {
            left = [.. _left];
            _left.Clear();
        }

        foreach ((byte[] key, long length, CacheEvictionReason reason) in left)
        {
            Tell(handler, new CacheEviction(key, length, reason));
        }
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What a handler throws harms nobody.")]
    private void Tell(CacheEvictionHandler handler, in CacheEviction eviction)
    {
        try
        {
            handler(eviction);
        }
        catch (Exception failure)
        {
            _handlerFailures.Note(failure);
        }
    }

    private sealed class Entry(byte[] key, void* block, int length, long bytes, CachePriority priority, LinkedListNode<byte[]> node)
    {
        public const int Overhead = 128;

        public byte[] Key => key;

        public void* Block => block;

        public int Length => length;

        public long Bytes => bytes;

        public CachePriority Priority => priority;

        public LinkedListNode<byte[]> Node => node;

        public long Deadline { get; set; }

        public long Absolute { get; init; }

        public long Sliding { get; init; }
    }

    private sealed class KeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly KeyComparer Instance = new();

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());
    }
}
