using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Caching;

/// <summary>
/// Byte keys to byte values outside of the garbage collected heap, within a limit of bytes that holds. Lookups take no lock, write nothing that another core reads
/// (those of the first 63 threads; the hits of further ones are counted in a line that they share), and allocate no managed memory. Thread-safe, all of it.
/// </summary>
/// <remarks>
/// <para>Keys have 0 to 65,536 bytes, values 0 bytes to 1 GiB. They are copied in and out.</para>
/// <para>When the limit is reached, entries leave by a replacement policy that resists scans and loops. What has expired is never given out, and its memory is
/// taken for what comes next, or given back by the runtime's passes.</para>
/// <para>The cache's frames go back to its runtime when that is short of memory. A cache whose runtime was disposed first is disposed as well. Leases end before
/// their cache does; calls that are under way are waited for. The finalizer of a forgotten cache gives its memory back.</para>
/// <para>Source: docs/algorithms/cache.md.</para>
/// </remarks>
public sealed unsafe partial class NativeCache : IDisposable
{
    /// <summary>Longest value that is copied inside of a lookup, for which others wait; longer ones are leased while they are copied.</summary>
    private const int LookupCopyMax = 4096;

    private readonly CacheHash _hash;
    private readonly CacheReaders _readers;
    private readonly CacheCounts _counts;
    private readonly nuint* _roots;
    private readonly uint _shardMask;
    private readonly TimeProvider _clock;
    private readonly bool _isSystemClock;
    private readonly CacheStore _store;
    private readonly CacheMeter _meter;

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
        : this(CacheStore.Make<ReuseClockPolicy>(NotNull(runtime), Checked(options)))
    {
    }

    private NativeCache(CacheStore store)
    {
        _store = store;
        _hash = store.Hash;
        _readers = store.Readers;
        _counts = store.Counts;
        _roots = store.Roots;
        _shardMask = store.ShardMask;
        _clock = store.Options.TimeProvider;
        _isSystemClock = ReferenceEquals(_clock, TimeProvider.System);
        _meter = new CacheMeter(store);
    }

    /// <summary>Gives the memory of a forgotten cache back.</summary>
    ~NativeCache()
    {
        // Without them when the constructor failed. A lease that nobody ended would be waited for as long as its thread lives, and all finalizers with it.
        if (_store is { IsHeld: true })
        {
            GC.ReRegisterForFinalize(this);
            return;
        }

        _meter?.Dispose();
        _store?.End();
    }

    /// <summary>The options in force.</summary>
    public NativeCacheOptions Options => _store.Options;

    /// <summary>Entries, those among them that have expired and were not met since. Another thread may change that at once.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public long Count => _store.Count;

    /// <summary>Looks a value up and writes it to a writer.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <param name="destination">
    /// Gets the value. It is asked for memory and told of what was written with no lock held; what it throws passes through, and the entry stays. A miss does not
    /// touch it.
    /// </param>
    /// <returns>Whether there is an entry of this key that has not expired.</returns>
    /// <exception cref="ArgumentNullException">The writer is null.</exception>
    /// <inheritdoc cref="TryGet(ReadOnlySpan{byte}, out CacheLease)"/>
    public bool TryGet(ReadOnlySpan<byte> key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!TryGet(key, isCall: true, out CacheLease lease))
        {
            return false;
        }

        try
        {
            destination.Write(lease.Span);
            return true;
        }
        finally
        {
            lease.Dispose();
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
    /// <exception cref="InvalidOperationException">The value is longer than 4096 bytes or kept compressed, and the thread holds six leases already.</exception>
    /// <exception cref="OutOfMemoryException">This is the thread's first lookup, and there is no memory to note it in.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, Span<byte> destination, out int length)
    {
        AccessSlot* own = AccessSlots.Own();
        byte* record = Find(own, key, isUse: true);
        if (record == null)
        {
            length = 0;
            return false;
        }

        CacheRecord head = CacheRecord.At(record);
        ReadOnlySpan<byte> value = CacheRecord.ValueOf(record);
        if (value.Length > LookupCopyMax || head.IsCompressed)
        {
            return CopyLeased(own, record, destination, out length);
        }

        length = value.Length;
        bool fits = value.TryCopyTo(destination);
        CacheReaders.Exit(own);
        GC.KeepAlive(this);
        return fits;
    }

    /// <summary>Looks a value up without copying it.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <param name="lease">The value, to be disposed; after a miss a lease that need not be.</param>
    /// <returns>Whether there is an entry of this key that has not expired.</returns>
    /// <exception cref="InvalidOperationException">The thread holds six leases already, on values of caches and on pages of address spaces together.</exception>
    /// <exception cref="OutOfMemoryException">The value is kept compressed, and there is no memory to restore it in.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool TryGet(ReadOnlySpan<byte> key, out CacheLease lease) => TryGet(key, isCall: false, out lease);

    /// <summary>Whether there is an entry of this key that has not expired. It is no use of the entry: neither a sliding expiration nor its chances to stay change.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <returns>True if there is; another thread may change that at once.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Contains(ReadOnlySpan<byte> key) => IsThere(key, isUse: false);

    /// <summary>Uses an entry without reading it: renews a sliding expiration.</summary>
    /// <param name="key">0 to 65,536 bytes; a longer key is never found.</param>
    /// <returns>Whether there is an entry of this key that has not expired.</returns>
    /// <exception cref="ObjectDisposedException">The cache is disposed, or its runtime.</exception>
    public bool Refresh(ReadOnlySpan<byte> key) => IsThere(key, isUse: true);

    /// <summary>Looks a value up without copying it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="isCall">Whether the caller gives the lease up before he returns to the program: the cache's end waits for him then, and is not refused.</param>
    /// <param name="lease">The value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryGet(ReadOnlySpan<byte> key, bool isCall, out CacheLease lease)
    {
        AccessSlot* own = AccessSlots.Own();
        ulong* word = LeaseWords.Find(own);
        byte* record = Find(own, key, isUse: true);
        if (record == null)
        {
            lease = default;
            return false;
        }

        lease = CacheRecord.At(record).IsCompressed
            ? Restore(own, word, record, isCall)
            : new CacheLease(this, word, BeginLease(own, word, isCall ? _readers.CallOf(record) : _readers.LeaseOf(record), record));
        return true;
    }

    private static MemoryRuntime NotNull(MemoryRuntime runtime)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        return runtime;
    }

    private static NativeCacheOptions Checked(NativeCacheOptions? options)
    {
        options ??= new NativeCacheOptions();
        options.Validate();
        return options;
    }

    private bool IsThere(ReadOnlySpan<byte> key, bool isUse)
    {
        AccessSlot* own = AccessSlots.Own();
        bool found = Find(own, key, isUse) != null;
        if (found)
        {
            CacheReaders.Exit(own);
        }

        GC.KeepAlive(this);
        return found;
    }
}
