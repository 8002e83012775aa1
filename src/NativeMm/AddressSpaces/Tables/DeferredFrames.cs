// Purpose      frames and tables that were taken out while somebody had a hazard for them wait here until nobody has.
// States       a record: the range whose hazards hold it, and what is dropped when none is left: a mapping, a pin, a table.
// Transitions  in: by whoever took it out and saw the hazard. Out: by whoever looked at the hazards again and saw none, under the lock.
// Ownership    records | whoever holds the lock | the same | plain | _lock
// Ordering     the look comes after a process-wide fence that comes after the taking out ([H2] of AccessSlot). A record that comes in after the fence of a
//              flush is not looked at by it: the flush goes over the records that were there before its fence.
// Reuse        a hazard names a page: one that somebody took anew for the same page keeps a record longer than it must, never shorter.
// Progress     adding never fails. Chunks of records come from the system, not from the frames, of which there may be none left when pages are taken out. Only
//              when the system refuses one as well does adding wait for a record that is free, which hazards of reads, writes and faults bring about by
//              themselves and a lease of the same thread does not.

using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>What waits for hazards to go. Thread-safe.</summary>
internal sealed unsafe class DeferredFrames(PageTables tables)
{
    // The system commits a chunk as it is touched.
    private const nuint ChunkLength = 64 << 10;
    private const int ChunkRecords = ((int)ChunkLength / sizeof(ulong) / 2) - 1;
    private const nuint KindMask = 3;
    private const nuint MappingKind = 0;
    private const nuint PinKind = 1;
    private const nuint TableKind = 2;
    private const int LevelShift = 2;

    private SpinLock<NoLockStatistics> _lock;

    // One flush at a time: each moves records that another one has not looked at.
    private SpinLock<NoLockStatistics> _flushing;

    // The first two words of each chunk are the chunk after it and nothing.
    private ulong* _chunks;
    private int _capacity;
    private int _count;

    /// <summary>How many wait.</summary>
    public int Count => Atomic.LoadAcquire(in _count);

    /// <summary>Bytes of all chunks.</summary>
    public long ChunkBytes => Atomic.LoadAcquire(in _capacity) / ChunkRecords * (long)ChunkLength;

    private IMemoryPlatform Memory => tables.Frames.Zone.Platform;

    /// <summary>A mapping that is dropped when nobody uses the page through it any more.</summary>
    public void AddMapping(ulong page, nuint address) => Add(page, address | MappingKind);

    /// <summary>A pin that is dropped when nobody uses the page any more.</summary>
    public void AddPin(ulong page, nuint address) => Add(page, address | PinKind);

    /// <summary>A table that is freed when nobody walks through it any more.</summary>
    public void AddTable(ulong firstPage, int level, ulong* table)
    {
        Invariant.Assert(level is >= 0 and <= PageTables.RootLevel && ((nuint)table & (nuint)PageTables.LowMask) == 0, $"A table of level {level} at 0x{(nuint)table:x} waits.");
        Add(firstPage, (nuint)table | TableKind | ((nuint)level << LevelShift));
    }

    /// <summary>Passes the fence, looks at the hazards and drops what nobody holds any more, unless another thread is at it.</summary>
    /// <returns>How many still wait.</returns>
    public int Flush()
    {
        if (Count != 0 && _flushing.TryEnter())
        {
            FlushLocked();
            _flushing.Exit();
        }

        return Count;
    }

    /// <summary>Gives the chunks back. Nothing waits any more, or what waits is forgotten.</summary>
    public void End()
    {
        while (_chunks != null)
        {
            ulong* chunk = _chunks;
            _chunks = (ulong*)chunk[0];
            Memory.ReleaseOrKeep((nuint)chunk, ChunkLength);
        }

        _capacity = 0;
        _count = 0;
    }

    private void FlushLocked()
    {
        Invariant.Assert(_flushing.IsHeld, "Records are looked at by two at a time.");
        int before = Count;
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards hazards = Hazards.Look(tables.Key, words);
        const int Batch = 64;
        Span<ulong> dropped = stackalloc ulong[Batch];
        int looked = 0;
        while (looked < before)
        {
            int drops = 0;
            _lock.Enter();
            before = int.Min(before, _count);
            Invariant.Assert(_count >= 0 && _count <= _capacity && looked <= before, $"{looked} of {_count} records were looked at, of {_capacity}.");
            while (looked < before && drops < Batch)
            {
                if (IsHeld(hazards, At(looked)))
                {
                    looked++;
                    continue;
                }

                // The last of the old records takes the place, and the last of the new ones its place.
                dropped[drops++] = At(looked)[1];
                before--;
                _count--;
                Copy(before, looked);
                Copy(_count, before);
            }

            _lock.Exit();
            foreach (ulong what in dropped[..drops])
            {
                Drop(what);
            }
        }
    }

    private static bool IsHeld(Hazards hazards, ulong* record)
    {
        ulong first = record[0];
        ulong pages = (record[1] & KindMask) == TableKind ? PageTables.Span((int)((record[1] & PageTables.LowMask) >> LevelShift) + 1) : 1;
        return hazards.TouchesAny(first, first + pages);
    }

    private void Drop(ulong what)
    {
        nuint address = (nuint)(what & ~PageTables.LowMask);
        Invariant.Assert(address != 0 && ((nuint)what & KindMask) <= TableKind, $"A record that says {what:x} is dropped.");
        switch ((nuint)what & KindMask)
        {
            case MappingKind:
                tables.DropMapping(address);
                break;
            case PinKind:
                tables.DropPin(address);
                break;
            default:
                tables.Frames.Free(tables.Frames.Zone.FrameOf((void*)address), Order.Zero);
                break;
        }
    }

    private void Add(ulong first, nuint what)
    {
        Invariant.Assert((what & ~(nuint)PageTables.LowMask) != 0, $"What waits for hazards of page {first:x} is {what:x}.");
        var backoff = default(Backoff);
        while (!TryAdd(first, what))
        {
            if (Flush() >= _capacity)
            {
                backoff.Wait();
            }
        }
    }

    private bool TryAdd(ulong first, nuint what)
    {
        ulong* chunk = null;
        if (Count >= Atomic.LoadAcquire(in _capacity) && Memory.Reserve(ChunkLength, Memory.PageBytes, out nuint more).Succeeded)
        {
            chunk = (ulong*)more;
        }

        _lock.Enter();
        if (chunk != null)
        {
            chunk[0] = (ulong)_chunks;
            _chunks = chunk;
            Atomic.StoreRelease(ref _capacity, _capacity + ChunkRecords);
        }

        Invariant.Assert(_count >= 0 && _count <= _capacity, $"{_count} of {_capacity} records wait.");
        bool fits = _count < _capacity;
        if (fits)
        {
            ulong* record = At(_count);
            record[0] = first;
            record[1] = what;
            Atomic.StoreRelease(ref _count, _count + 1);
        }

        _lock.Exit();
        return fits;
    }

    private void Copy(int from, int to)
    {
        Invariant.Assert(from >= to, $"Record {from} takes the place of {to}.");
        if (from != to)
        {
            ulong* source = At(from);
            ulong* target = At(to);
            target[0] = source[0];
            target[1] = source[1];
        }
    }

    /// <summary>A record. The newest chunk is the first in the list and has the highest numbers.</summary>
    private ulong* At(int number)
    {
        Invariant.Assert(_lock.IsHeld, $"Record {number} is looked at without the lock.");
        Invariant.Assert((uint)number < (uint)_capacity && _capacity % ChunkRecords == 0, $"Record {number} of {_capacity} is asked for.");
        ulong* chunk = _chunks;
        for (int skip = (_capacity / ChunkRecords) - 1 - (number / ChunkRecords); skip > 0; skip--)
        {
            chunk = (ulong*)chunk[0];
        }

        return chunk + (2 * (1 + (number % ChunkRecords)));
    }
}
