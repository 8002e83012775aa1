// Purpose      pages on file, by slot; slot − 1 is the page's place in the file.
// States       a place is free (its bit clear), taken by a batch that is being written (bit set, References 0), or holds a page (References ≥ 1).
// Transitions  free → taken: Store, under the map's lock, several at once. Taken → page: Store after its write, plain stores. Taken → free: Store whose write
//              failed, under the lock. Page → free: whoever takes the last reference by an atomic add, under the lock.
// Ownership    Checksum | Store; who holds a reference reads | plain. References | holders | atomic add. The map, the table's growth | the map's lock.
// Ordering     as CompressedSwap: slots reach others through page table entries. The write has returned before a slot is given away, so a read finds it.
// Reuse        a place is free after its last reference; a load holds one until it returns.
// Progress     no lock is held over a transfer: a load waits for its own page alone, whatever is being written.

using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>The second tier: pages as they are, in a file. Batches are written with as few calls as the file's free places allow.</summary>
internal sealed unsafe class FileSwap : ISwapBackend
{
    private const int PageBytes = IBackingFile.PageBytes;
    private const int ReadAttempts = 3;

    private readonly IBackingFile _file;
    private readonly FilePageMap _map;
    private readonly SwapRecords _records;
    private SpinLock<NoLockStatistics> _lock;
    private SwapCounters _counters;
    private long _writes;
    private long _failedWrites;
    private int _lastErrno;

    /// <summary>Makes an empty backend.</summary>
    /// <param name="file">A file without content, that is the backend's from then on.</param>
    /// <param name="pagesMax">Most pages.</param>
    /// <param name="platform">Where the memory for the bookkeeping comes from.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    public FileSwap(IBackingFile file, long pagesMax, IMemoryPlatform platform)
    {
        _file = file;
        _records = new SwapRecords(platform, pagesMax);
        try
        {
            _map = new FilePageMap(platform, pagesMax);
        }
        catch
        {
            _records.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public int Store(ReadOnlySpan<nint> pages, Span<ulong> slots)
    {
        slots[..pages.Length].Clear();
        int stored = 0;
        while (stored < pages.Length)
        {
            ReadOnlySpan<nint> left = pages[stored..];
            int run = TakeRun(Math.Min(left.Length, IBackingFile.WritePagesMax), out long first, out bool isFull);
            if (run == 0)
            {
                Atomic.StoreRelease(ref _lastErrno, isFull ? ErrorNumber.FileTooLarge : ErrorNumber.OutOfMemory);
                break;
            }

            Invariant.Assert(run <= left.Length && first + run <= _records.Count, $"Places {first} to {first + run} were taken for {left.Length} pages, and {_records.Count} have records.");
            int written = WriteRun(left[..run], first, out int errno);
            for (int i = 0; i < written; i++)
            {
                slots[stored + i] = Keep(left[i], first + i);
            }

            stored += written;
            Atomic.StoreRelease(ref _lastErrno, errno);
            if (written < run)
            {
                GiveRun(first + written, run - written);
                break;
            }
        }

        _counters.Stored(stored, pages.Length);
        return stored;
    }

    /// <inheritdoc/>
    public SwapLoad Load(ulong slot, nint destination)
    {
        Invariant.Assert(slot != 0 && Atomic.LoadAcquire(in _records[slot - 1].References) > 0, $"Slot {slot} is loaded, and nobody has it.");
        PlatformResult result = PlatformResult.Success;
        int read = 0;

        // A read that came short is repeated from its beginning: a direct one must begin at a whole page.
        for (int attempt = 0; attempt < ReadAttempts && read < PageBytes && result.Succeeded; attempt++)
        {
            result = _file.Read(destination, PlaceOf(slot) * PageBytes, out read);
        }

        SwapLoad load = !result.Succeeded || read < PageBytes ? new SwapLoad(SwapLoadKind.DeviceFailed, result.Errno)
            : PageChecksum.Compute(new ReadOnlySpan<byte>((void*)destination, PageBytes), slot) == _records[slot - 1].Checksum ? SwapLoad.Loaded
            : SwapLoad.Corrupted;
        _counters.Loaded(load.Succeeded);
        return load;
    }

    /// <inheritdoc/>
    public void Free(ulong slot)
    {
        long left = Atomic.Add(ref _records[slot - 1].References, -1);
        Invariant.Assert(left >= 0, $"Slot {slot} is freed, and has {left} references left.");
        if (left == 0)
        {
            GiveRun(PlaceOf(slot), 1);
        }
    }

    /// <inheritdoc/>
    public void Duplicate(ulong slot)
    {
        long references = Atomic.Add(ref _records[slot - 1].References, 1);
        Invariant.Assert(references > 1, $"Slot {slot} gets a further reference, and has {references} with it.");
    }

    /// <inheritdoc/>
    public SwapStatistics GetStatistics()
    {
        _lock.Enter();
        (long taken, long pages) = (_map.Taken, _map.Pages);
        _lock.Exit();
        return new SwapStatistics
        {
            FilePages = taken,
            FileBytes = pages * PageBytes,
            Stores = _counters.Stores,
            Refusals = _counters.Refusals,
            Loads = _counters.Loads,
            FailedLoads = _counters.FailedLoads,
            FileWrites = Atomic.LoadAcquire(in _writes),
            FailedWrites = Atomic.LoadAcquire(in _failedWrites),
            LastStoreErrno = Atomic.LoadAcquire(in _lastErrno),
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        long taken = 0;
        for (long place = 0; place < _map.Pages; place++)
        {
            if (place >= _records.Count)
            {
                // The system refused the memory for its record.
                Invariant.Check(!_map.IsTaken(place), $"Place {place} of the file is taken and has no record.");
                continue;
            }

            bool held = _records[(ulong)place].References > 0;
            Invariant.Check(held == _map.IsTaken(place), $"Place {place} of the file has {_records[(ulong)place].References} references and is {(held ? "free" : "taken")}.");
            taken += held ? 1 : 0;
        }

        Invariant.Check(taken == _map.Taken, $"{taken} places of the file hold pages, and {_map.Taken} are counted.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _map.Dispose();
        _records.Dispose();
    }

    private static long PlaceOf(ulong slot) => (long)slot - 1;

    private ulong Keep(nint page, long place)
    {
        ulong slot = (ulong)place + 1;
        ref SwapRecord record = ref _records[(ulong)place];
        Invariant.Assert(record.References == 0, $"Slot {slot} gets a page, and has {record.References} references.");
        record.Checksum = PageChecksum.Compute(new ReadOnlySpan<byte>((void*)page, PageBytes), slot);
        Atomic.StoreRelease(ref record.References, 1);
        return slot;
    }

    /// <summary>Writes pages to places that lie together, and goes on after a write that came short.</summary>
    /// <returns>How many of the first are written whole.</returns>
    private int WriteRun(ReadOnlySpan<nint> pages, long first, out int errno)
    {
        int done = 0;
        errno = 0;
        while (done < pages.Length)
        {
            PlatformResult result = _file.Write(pages[done..], (first + done) * PageBytes, out long bytes);
            int whole = (int)(bytes / PageBytes);
            Invariant.Assert(whole >= 0 && whole <= pages.Length - done, $"{whole} pages were written, of {pages.Length - done}.");
            Atomic.Add(ref _writes, 1);
            if (!result.Succeeded || whole < pages.Length - done)
            {
                Atomic.Add(ref _failedWrites, 1);
            }

            done += whole;
            if (!result.Succeeded || whole == 0)
            {
                errno = result.Succeeded ? ErrorNumber.DeviceFailed : result.Errno;
                break;
            }
        }

        return done;
    }

    /// <summary>Takes places that lie together, and sees to it that they have records.</summary>
    /// <returns>How many; 0 when the file is full, or the system has no memory for the bookkeeping.</returns>
    private int TakeRun(int wanted, out long first, out bool isFull)
    {
        _lock.Enter();
        int run = _map.TakeRun(wanted, out first);
        while (run > 0 && first + run > _records.Count)
        {
            if (!_records.TryGrow())
            {
                _map.Give(first, run);
                run = 0;
            }
        }

        isFull = _map.Taken == _map.PagesMax;
        Invariant.Assert(run == 0 || first + run <= _records.Count, $"Places {first} to {first + run} have no records, of which there are {_records.Count}.");
        _lock.Exit();
        return run;
    }

    private void GiveRun(long first, int count)
    {
        _lock.Enter();
        _map.Give(first, count);
        _lock.Exit();
    }
}
