// Purpose      pages by key, compressed, in the objects of a ZsPool.
// States       a key has no entry, or one entry of a stripe's table: same-filled (the word that it repeats), compressed (1 … n objects that hold the
//              codec's output) or huge (n objects that hold the page as it is). n = page / 4096 bytes. Pages = same-filled + compressed + huge.
// Transitions  no entry → entry, entry → another, entry → none: each under the lock of the key's stripe, in one step.
// Ownership    table, tally | who holds the stripe's lock | plain. An object that no entry names belongs to the thread that made it (on its way in)
//              or that took it out of the table (on its way out). _framesMax | anybody | CAS.
// Ordering     all by the stripe's lock. A page is compressed and its objects are written before the lock is taken to publish them; a reader copies the
//              objects into its own memory while it holds the lock, and decompresses and checks after it let go. So an object is never read after
//              its entry went, and a codec never runs under a lock.
// Reuse        an object is freed after its entry went, by the thread that took it out; no reader can hold its handle then.
// Progress     blocking, for the length of one copy of compressed bytes. Lock order: stripe, then the pool's own; memory is allocated under neither stripe.
// Source       zram of the Linux kernel: same-filled and huge pages, mm_stat. It frees the old content before it takes the new one; we after.

using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;

namespace NativeMm.Buffers;

/// <summary>
/// Keeps pages of one size by key, compressed. Pages that repeat one word take no memory, pages that do not compress are kept as they are, and
/// every page is checked when it is loaded. Thread-safe, except <see cref="Dispose"/>, which no other use may overlap.
/// </summary>
/// <remarks>
/// <para>A store over an existing key replaces the page in one step: whoever loads sees the old page or the new one. A store that is refused, or
/// whose codec throws, leaves the old page. To that end both are in memory for a moment.</para>
/// <para>Threads on different keys hardly meet: the keys are spread over at least 256 stripes with a lock each, which is held for the copying of
/// the compressed bytes alone. Storing and loading allocate no managed memory when warm.</para>
/// <para>A store whose runtime was disposed first is disposed as well. The finalizer of a forgotten store gives the memory back, and reports the pages
/// in it as a leak by an event.</para>
/// </remarks>
public sealed unsafe partial class CompressedPageStore : IDisposable
{
    private const int ObjectBytesMax = ZsPool.ObjectBytesMax;
    private const int StripesPerCore = 64;
    private const int StripesMin = 256;
    private const int StripesMax = 4096;

    private readonly NativeHeap _heap;
    private readonly IFrameAllocator _frames;
    private readonly ZsPool _pool;
    private readonly IPageCodec _codec;
    private readonly PerCoreCache<byte[]> _scratch;

    // The first one is left unused, so that the array's length, read at every access, does not share a line with a lock.
    private readonly PageStripe[] _stripes;
    private readonly uint _stripeMask;
    private readonly int _pageBytes;
    private readonly int _entryBytes;
    private readonly int _compressedBytesMax;
    private readonly long _framesLimit;
    private ulong _framesMax;
    private long _refusals;
    private long _corruptedLoads;
    private int _disposed;

    /// <summary>Makes an empty store.</summary>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="runtime">Whose frames and heap it takes, and whose end it shares. <see cref="MemoryRuntime.Shared"/> if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the bookkeeping.</exception>
    public CompressedPageStore(CompressedPageStoreOptions? options = null, MemoryRuntime? runtime = null)
    {
        Options = options ?? new CompressedPageStoreOptions();
        Options.Validate();
        runtime ??= MemoryRuntime.Shared;
        _heap = runtime.Heap;
        _frames = runtime.Frames;
        _codec = Options.Codec ?? PageCodecs.Default;
        _pageBytes = Options.PageBytes;
        _entryBytes = PageEntry.Bytes + (((_pageBytes / ObjectBytesMax) - 1) * sizeof(ulong));
        _framesLimit = Options.MemoryLimitBytes == 0 ? long.MaxValue : Options.MemoryLimitBytes / ObjectBytesMax;
        _pool = runtime.CreateZsPool(Options.Pool);

        // Beyond this the last object would take a frame of its own, as it does when the page is kept as it is.
        _compressedBytesMax = _pageBytes - ObjectBytesMax + _pool.HugeObjectBytes;
        int pageBytes = _pageBytes;
        _scratch = new PerCoreCache<byte[]>(() => new byte[pageBytes]);
        int stripes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount * StripesPerCore, StripesMin, StripesMax));
        _stripes = new PageStripe[stripes + 1];
        _stripeMask = (uint)stripes - 1;
    }

    /// <summary>Gives the memory of a forgotten store back.</summary>
    ~CompressedPageStore()
    {
        // Without a pool when the constructor failed before it had anything.
        if (_pool is not null && Atomic.Exchange(ref _disposed, 1) == 0)
        {
            Release(forgotten: true);
        }
    }

    /// <summary>The options in force.</summary>
    public CompressedPageStoreOptions Options { get; }

    /// <summary>Who compresses.</summary>
    public IPageCodec Codec => _codec;

    /// <summary>Bytes of every page.</summary>
    public int PageBytes => _pageBytes;

    /// <summary>The storage below, for tests that damage it.</summary>
    internal ZsPool Pool => _pool;

    /// <summary>Whether there is a page of this key. Another thread may change that at once.</summary>
    /// <param name="key">Any number.</param>
    /// <returns>True if there is, whether it can be restored or not.</returns>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public bool Contains(ulong key)
    {
        ThrowIfDisposed();
        ulong hash = PageHash.Of(key);
        ref PageStripe stripe = ref StripeOf(hash);
        stripe.Lock.Enter();
        bool found = stripe.Table.Find(key, PageHash.SlotOf(hash), _entryBytes) != null;
        stripe.Lock.Exit();
        GC.KeepAlive(this);
        return found;
    }

    /// <summary>Removes a page and frees its memory.</summary>
    /// <param name="key">Any number.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public bool Remove(ulong key)
    {
        ThrowIfDisposed();
        ulong hash = PageHash.Of(key);
        ref PageStripe stripe = ref StripeOf(hash);
        Unsafe.SkipInit(out PageContent content);
        stripe.Lock.Enter();
        PageEntry* entry = stripe.Table.Find(key, PageHash.SlotOf(hash), _entryBytes);
        if (entry == null)
        {
            stripe.Lock.Exit();
            GC.KeepAlive(this);
            return false;
        }

        CopyOut(entry, ref content);
        stripe.Table.Remove(entry, _entryBytes);
        stripe.Tally.Remove(content.State);
        int capacity = stripe.Table.IsSparse ? stripe.Table.Capacity : 0;
        stripe.Lock.Exit();
        FreeObjects(ref content);
        if (capacity != 0)
        {
            // Without memory for the smaller block, the larger one stays until the next removal.
            _ = TryResize(ref stripe, capacity, capacity / 2);
        }

        GC.KeepAlive(this);
        return true;
    }

    /// <summary>Removes every page that is there now.</summary>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void Clear()
    {
        ThrowIfDisposed();
        foreach (ref PageStripe stripe in _stripes.AsSpan(1))
        {
            ClearStripe(ref stripe);
        }

        GC.KeepAlive(this);
    }

    /// <summary>
    /// Moves compressed pages together and gives the frames back that become free. The pool does so by itself when its waste passes a
    /// threshold; call it to have the memory at once.
    /// </summary>
    /// <returns>Bytes given back to the runtime.</returns>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public long Compact()
    {
        ThrowIfDisposed();
        return _pool.Compact() * ObjectBytesMax;
    }

    /// <summary>Removes every page and gives the memory back. A second call does nothing.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Atomic.Exchange(ref _disposed, 1) == 0)
        {
            Release(forgotten: false);
        }
    }

    /// <summary>
    /// Gives the memory back: the tables one by one, the pages with their pool. What the runtime or the heap took along when it was disposed is gone. May
    /// run beside that.
    /// </summary>
    private void Release(bool forgotten)
    {
        try
        {
            // First: it waits for a check of the store, which reads the tables and keeps the pool at rest.
            _pool.Release(areAlive: forgotten);
        }
        finally
        {
            ReleaseTables();
        }
    }

    private void ReleaseTables()
    {
        foreach (ref PageStripe stripe in _stripes is null ? default : _stripes.AsSpan(1))
        {
            void* block = stripe.Table.Block;
            stripe.Table = default;
            if (block != null)
            {
                _heap.FreeForgotten(block);
            }
        }
    }

    private void ClearStripe(ref PageStripe stripe)
    {
        stripe.Lock.Enter();
        PageTable table = stripe.Table;
        PageTally tally = stripe.Tally;
        stripe.Table = default;
        stripe.Tally = new PageTally { HugePagesSince = tally.HugePagesSince };
        stripe.Lock.Exit();

        // The entries are this thread's alone now.
        Unsafe.SkipInit(out PageContent content);
        int slot = 0;
        while (table.Next(ref slot, _entryBytes) is var entry && entry != null)
        {
            CopyOut(entry, ref content);
            FreeObjects(ref content);
        }

        FreeTable(table.Block);
    }

    private ref PageStripe StripeOf(ulong hash) => ref _stripes[(PageHash.StripeOf(hash) & _stripeMask) + 1];

    private void ThrowIfDisposed()
    {
        if (Atomic.LoadAcquire(ref _disposed) != 0 || _pool.IsDisposed || _heap.IsDisposed)
        {
            ThrowDisposed();
        }
    }

    private void ThrowIfNotPage(int length, string name)
    {
        if (length != _pageBytes)
        {
            ThrowNotPage(length, name);
        }
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(CompressedPageStore), "The page store is disposed, or its runtime.");

    [DoesNotReturn]
    private void ThrowNotPage(int length, string name) =>
        throw new ArgumentException($"The span has {length} bytes; a page of this store has {_pageBytes}.", name);
}
