// Purpose      pages in memory, compressed, by slot.
// States       a record is free (References 0, in the list of free slots) or holds a page (References ≥ 1, Value the handle of its object).
// Transitions  free → page: Store, under the list's lock to take the slot, then by plain stores: nobody else knows it. Page → free: whoever takes the last
//              reference by an atomic add frees the object, then puts the slot into the list under its lock.
// Ownership    Value, Checksum | who holds a reference reads | plain. References | holders | atomic add. _free, the table's growth | the list's lock.
// Ordering     who gets a slot gets it through the caller's page table entry, published by release and read by acquire; so the record's plain stores are seen.
//              The atomic adds of References order a holder's reads of the record before the last holder's free.
// Reuse        a slot goes into the list after its last reference; a load holds one until it returns.
// Progress     a load waits for nothing but the pool's lease on its own object. The list's lock is held for a few instructions, and for one call to the
//              system when the table grows.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;

namespace NativeMm.Buffers;

/// <summary>The first tier: compressed pages in a <see cref="ZsPool"/>, within a budget.</summary>
internal sealed unsafe class CompressedSwap : ISwapBackend
{
    private const int PageBytes = 4096;

    private readonly IPageCodec _codec;
    private readonly ZsPool _pool;
    private readonly SwapRecords _records;
    private readonly long _framesMax;
    private readonly int _bytesMax;
    private SpinLock<NoLockStatistics> _lock;
    private ulong _free;
    private long _freeCount;
    private SwapCounters _counters;

    /// <summary>Makes an empty backend.</summary>
    /// <param name="runtime">Whose frames it takes.</param>
    /// <param name="codec">Who compresses.</param>
    /// <param name="budgetBytes">Most bytes of frames; 0 for no limit but the runtime's.</param>
    /// <param name="pagesMax">Most pages.</param>
    /// <param name="bytesMax">A page that compresses to more is refused as incompressible; at most 4096.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    public CompressedSwap(MemoryRuntime runtime, IPageCodec codec, long budgetBytes, long pagesMax, int bytesMax = PageBytes)
    {
        _codec = codec;
        _records = new SwapRecords(runtime.Frames.Zone.Platform, pagesMax + 1);
        try
        {
            _pool = runtime.CreateZsPool(new ZsPoolOptions { Name = "swap" });
            _pool.LeasesEndFirst = true;
        }
        catch
        {
            _records.Dispose();
            throw;
        }

        // Beyond this an object takes a frame of its own, and nothing is gained.
        _bytesMax = Math.Min(bytesMax, _pool.HugeObjectBytes);
        _framesMax = budgetBytes == 0 ? long.MaxValue : budgetBytes / PageBytes;
    }

    /// <summary>The storage below, for tests that damage it.</summary>
    internal ZsPool Pool => _pool;

    /// <inheritdoc/>
    public int Store(ReadOnlySpan<nint> pages, Span<ulong> slots)
    {
        Invariant.Assert(slots.Length >= pages.Length, $"{pages.Length} pages are stored for {slots.Length} slots.");
        int stored = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            slots[i] = _pool.GetTotalFrames() < _framesMax ? StorePage(new ReadOnlySpan<byte>((void*)pages[i], PageBytes)) : SwapSlot.NoRoom;
            stored += SwapSlot.IsStored(slots[i]) ? 1 : 0;
        }

        if (stored != pages.Length)
        {
            // The pool may keep what the last page came in with for the next one: beyond the budget it must not.
            _ = _pool.ReleaseEmptyUnlessDisposed();
        }

        _counters.Stored(stored, pages.Length);
        return stored;
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public SwapLoad Load(ulong slot, nint destination)
    {
        ref SwapRecord record = ref _records[slot];
        Invariant.Assert(Atomic.LoadAcquire(in record.References) > 0, $"Slot {slot} is loaded, and nobody has it.");
        var page = new Span<byte>((void*)destination, PageBytes);
        Span<byte> scratch = stackalloc byte[PageBytes];
        SwapLoad load;
        var handle = new ZsHandle(record.Value);
        using (ZsReadLease lease = _pool.OpenRead(handle, scratch))
        {
            load = Decompress(lease.Data, page);
        }

        load = load.Succeeded && PageChecksum.Compute(page, slot) != record.Checksum ? SwapLoad.Corrupted : load;
        Invariant.Assert(load.Kind != SwapLoadKind.DeviceFailed && (load.Thrown is null) == (load.Kind != SwapLoadKind.CodecFailed), $"Slot {slot} is {load.Kind}, by {load.Thrown?.GetType().Name}.");
        _counters.Loaded(load.Succeeded);
        return load;
    }

    /// <inheritdoc/>
    public void Free(ulong slot)
    {
        ref SwapRecord record = ref _records[slot];
        long left = Atomic.Add(ref record.References, -1);
        Invariant.Assert(left >= 0, $"Slot {slot} is freed, and has {left} references left.");
        if (left == 0)
        {
            _pool.Free(new ZsHandle(record.Value));
            GiveSlot(slot);
        }
    }

    /// <inheritdoc/>
    public void Duplicate(ulong slot)
    {
        long references = Atomic.Add(ref _records[slot].References, 1);
        Invariant.Assert(references > 1, $"Slot {slot} gets a further reference, and has {references} with it.");
    }

    /// <inheritdoc/>
    public SwapStatistics GetStatistics() => new()
    {
        CompressedPages = CountPages(),
        CompressedBytes = _pool.GetTotalFrames() * PageBytes,
        Stores = _counters.Stores,
        Refusals = _counters.Refusals,
        Loads = _counters.Loads,
        FailedLoads = _counters.FailedLoads,
    };

    /// <inheritdoc/>
    public void Validate()
    {
        long used = 0;
        for (ulong slot = 1; slot < (ulong)_records.Count; slot++)
        {
            used += _records[slot].References > 0 ? 1 : 0;
        }

        long pages = CountPages();
        Invariant.Check(used == pages, $"Of {pages} slots that are not free, {used} have a reference.");
        long objects = _pool.GetStatistics().Objects;
        Invariant.Check(objects == pages, $"There are {objects} objects for {pages} compressed pages.");
        _pool.Validate();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Nobody has a slot any more, so objects in the pool are no leak.
        _pool.Release(areAlive: false);
        _records.Dispose();
    }

    [SkipLocalsInit]
    private ulong StorePage(ReadOnlySpan<byte> page)
    {
        Span<byte> scratch = stackalloc byte[PageBytes];
        if (!TryCompress(page, scratch[.._bytesMax], out int bytes))
        {
            return SwapSlot.Incompressible;
        }

        if (!_pool.TryAlloc(bytes, out ZsHandle handle))
        {
            return SwapSlot.NoRoom;
        }

        ulong slot = _pool.GetTotalFrames() <= _framesMax ? TakeSlot() : 0;
        if (slot == 0)
        {
            _pool.Free(handle);
            return SwapSlot.NoRoom;
        }

        _pool.Write(handle, scratch[..bytes]);
        ref SwapRecord record = ref _records[slot];
        Invariant.Assert(record.References == 0, $"Slot {slot} gets a page, and has {record.References} references.");
        record.Value = handle.Value;
        record.Checksum = PageChecksum.Compute(page, slot);
        Atomic.StoreRelease(ref record.References, 1);
        return slot;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A codec of the program must not end a reclaim.")]
    private bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytes)
    {
        try
        {
            return _codec.TryCompress(page, destination, out bytes) && (uint)(bytes - 1) < (uint)destination.Length;
        }
        catch (Exception)
        {
            bytes = 0;
            return false;
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A codec of the program must not end an access.")]
    private SwapLoad Decompress(ReadOnlySpan<byte> compressed, Span<byte> page)
    {
        try
        {
            return _codec.TryDecompress(compressed, page) ? SwapLoad.Loaded : SwapLoad.Corrupted;
        }
        catch (Exception thrown)
        {
            // One that had no memory, for example, says nothing of the page.
            return new SwapLoad(SwapLoadKind.CodecFailed, thrown: thrown);
        }
    }

    /// <summary>The object of a page, for tests that damage it.</summary>
    internal ZsHandle HandleOf(ulong slot) => new(_records[slot].Value);

    private ulong TakeSlot()
    {
        _lock.Enter();
        if (_free == 0)
        {
            Grow();
        }

        ulong slot = _free;
        if (slot != 0)
        {
            Invariant.Assert(_freeCount > 0 && _records[slot].References == 0, $"Slot {slot} is given out with {_records[slot].References} references, of {_freeCount} free ones.");
            _free = _records[slot].Value;
            _freeCount--;
        }

        _lock.Exit();
        return slot;
    }

    private void GiveSlot(ulong slot)
    {
        Invariant.Assert(slot != 0 && _records[slot].References == 0, $"Slot {slot} becomes free with {_records[slot].References} references.");
        _lock.Enter();
        Invariant.Assert(_free != slot, $"Slot {slot} becomes free twice.");
        _records[slot].Value = _free;
        _free = slot;
        _freeCount++;
        _lock.Exit();
    }

    /// <summary>Puts the next records into the list, the first one foremost. Slot 0 is none.</summary>
    private void Grow()
    {
        Invariant.Assert(_lock.IsHeld && _free == 0 && _freeCount == 0, $"The table grows beside {_freeCount} free slots, or without the lock.");
        ulong first = ulong.Max(1, (ulong)_records.Count);
        if (_records.TryGrow())
        {
            for (ulong slot = (ulong)_records.Count - 1; slot >= first; slot--)
            {
                _records[slot].Value = _free;
                _free = slot;
                _freeCount++;
            }
        }
    }

    private long CountPages()
    {
        _lock.Enter();
        Invariant.Assert(_freeCount <= _records.Count, $"{_freeCount} slots are free, of {_records.Count}.");
        long pages = _records.Count == 0 ? 0 : _records.Count - 1 - _freeCount;
        _lock.Exit();
        return pages;
    }
}
