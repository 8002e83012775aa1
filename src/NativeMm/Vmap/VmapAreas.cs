using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The records of all ranges in one array, and which record and which frame each page of the window has. Reserved address space, opened step by step: the
/// records by those that are taken, the tables by the pages that were ever handed out. Thread-safe.
/// </summary>
internal sealed unsafe class VmapAreas : IDisposable
{
    /// <summary>Records that are opened together: 128 KiB.</summary>
    public const uint RecordStep = 1024;

    /// <summary>Pages whose entries are opened together: 64 KiB of each table.</summary>
    public const uint PageStep = 16384;

    private readonly BookkeepingTable _records;
    private readonly BookkeepingTable? _areaOf;
    private readonly BookkeepingTable? _frameOf;
    private SpinLock<NoLockStatistics> _lock;
    private SleepLock _openLock;
    private uint _freeRecord;
    private uint _freshRecord = 1;

    // Written under the lock of opening, with a release; records below it, and entries of pages below the other, are open.
    private uint _openRecords;
    private uint _openPages;

    /// <summary>Makes the tables of a window.</summary>
    /// <param name="geometry">Its pages, and the most ranges that it can have.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the address space.</exception>
    public VmapAreas(FreeSpaceGeometry geometry)
    {
        Max = geometry.RangesMax;
        _openRecords = 1;
        _records = new BookkeepingTable(geometry.Platform, sizeof(VmapArea), (nuint)Max + 1, _openRecords);
        try
        {
            // Anybody may ask about any address of the window.
            _areaOf = new BookkeepingTable(geometry.Platform, sizeof(uint), geometry.Pages, 0, readable: true);
            _frameOf = new BookkeepingTable(geometry.Platform, sizeof(uint), geometry.Pages, 0, readable: true);
        }
        catch
        {
            Dispose();
            throw;
        }

        Records = (VmapArea*)_records.Address;
        AreaOf = (uint*)_areaOf.Address;
        FrameOf = (uint*)_frameOf.Address;
    }

    /// <summary>Most ranges.</summary>
    public uint Max { get; }

    /// <summary>The records; 0 stands for none.</summary>
    public VmapArea* Records { get; }

    /// <summary>By page: the number of the record of its range, 0 for none. Written by whoever makes or takes down the range.</summary>
    public uint* AreaOf { get; }

    /// <summary>By page: the number of the frame behind it plus one, 0 for none. Written by whoever makes or takes down the range.</summary>
    public uint* FrameOf { get; }

    /// <summary>Records that were ever used; all of them have lower numbers.</summary>
    public uint End => Atomic.LoadAcquire(ref _freshRecord);

    /// <summary>Takes a record whose state is <see cref="VmapAreaState.None"/>, or gives 0 when none is open.</summary>
    public uint TryTake()
    {
        _lock.Enter();
        uint record = _freeRecord;
        if (record != 0)
        {
            _freeRecord = Records[record].Next;
        }
        else if (_freshRecord < Atomic.LoadAcquire(ref _openRecords))
        {
            record = _freshRecord;
            Atomic.StoreRelease(ref _freshRecord, record + 1);
        }

        Invariant.Assert(record < _openRecords && _freshRecord <= _openRecords, $"Record {record} is taken, of {_openRecords} that are open.");
        Invariant.Assert(
            record == 0 || (Records[record].State == VmapAreaState.None && Records[record].Pages == 0),
            $"Record {record} is free and is one of {Records[record].Pages} pages, {Records[record].State}.");
        _lock.Exit();
        return record;
    }

    /// <summary>Opens the next records, and before them what their ranges need elsewhere, so that giving them back needs no memory.</summary>
    /// <param name="free">Has a piece for each range, and for each that a purge took down.</param>
    /// <param name="lazy">Has a piece for each range.</param>
    /// <param name="scratch">Has room for each piece of a purge.</param>
    /// <param name="refusal">What the system said.</param>
    /// <returns>Whether there is a record now; otherwise all records are in use, or the system refused.</returns>
    public bool TryOpenRecords(FreeSpace free, LazySet lazy, BookkeepingTable scratch, out PlatformResult refusal)
    {
        refusal = PlatformResult.Success;
        using (_openLock.EnterScope())
        {
            if (HasRecord())
            {
                return true;
            }

            uint end = uint.Min(_openRecords + RecordStep, Max + 1);
            if (end == _openRecords)
            {
                return false;
            }

            refusal = free.TryOpen(end);
            refusal = refusal.Succeeded ? lazy.TryOpen(end) : refusal;
            refusal = refusal.Succeeded ? scratch.TryOpen(end) : refusal;
            refusal = refusal.Succeeded ? _records.TryOpen(end) : refusal;
            if (refusal.Succeeded)
            {
                Atomic.StoreRelease(ref _openRecords, end);
            }

            return refusal.Succeeded;
        }
    }

    /// <summary>Opens the tables for pages that were handed out.</summary>
    /// <param name="end">The page behind the last one.</param>
    public PlatformResult TryOpenPages(uint end) => end <= Atomic.LoadAcquire(ref _openPages) ? PlatformResult.Success : OpenPages(end);

    /// <summary>Gives a record back whose pages are not in the table any more.</summary>
    public void Give(uint record)
    {
        Invariant.Assert(record != 0 && record < Atomic.LoadAcquire(ref _freshRecord), $"Record {record} is given back and was never taken.");
        Invariant.Assert(
            Records[record].State is VmapAreaState.None or VmapAreaState.Lazy,
            $"Record {record} is given back while its range is {Records[record].State}.");
        Invariant.Assert(AreaOf[Records[record].Start] != record, $"Record {record} is given back and page {Records[record].Start} still leads to it.");
        VmapArea* area = Records + record;
        area->Version.BeginWrite();
        area->Pages = 0;
        area->GuardPages = 0;
        area->Mappings = 0;
        area->Version.EndWrite();
        area->MoveTo(VmapAreaState.None);
        _lock.Enter();
        Invariant.Assert(_freeRecord != record, $"Record {record} is free twice.");
        area->Next = _freeRecord;
        _freeRecord = record;
        _lock.Exit();
    }

    /// <summary>Says which record the pages of a range have.</summary>
    public void Enter(PageRange range, uint record)
    {
        Invariant.Assert(
            range.Pages != 0 && range.End > range.Start && range.End <= Atomic.LoadAcquire(ref _openPages),
            $"Pages {range.Start} to {range.End} get a record, of {_openPages} that are open.");
        Invariant.Assert(record != 0 || AreaOf[range.Start] != 0, $"Page {range.Start} leaves a range that it was not in.");
        Invariant.Assert(AreaOf[range.Start] == AreaOf[range.End - 1], $"Pages {range.Start} to {range.End} change their record and are not of one range.");
        for (uint page = range.Start; page < range.End; page++)
        {
            Atomic.StoreRelease(ref AreaOf[page], record);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _records.Dispose();
        _areaOf?.Dispose();
        _frameOf?.Dispose();
    }

    private bool HasRecord()
    {
        _lock.Enter();
        bool has = _freeRecord != 0 || _freshRecord < _openRecords;
        _lock.Exit();
        return has;
    }

    private PlatformResult OpenPages(uint end)
    {
        using (_openLock.EnterScope())
        {
            uint pages = (uint)ulong.Min(((ulong)end + PageStep - 1) / PageStep * PageStep, uint.MaxValue);
            if (end <= _openPages)
            {
                return PlatformResult.Success;
            }

            Invariant.Assert(_openLock.IsHeldByCurrentThread && pages >= end, $"{pages} pages are opened, of which page {end} is the last.");
            PlatformResult result = _areaOf!.TryOpen(pages);
            result = result.Succeeded ? _frameOf!.TryOpen(pages) : result;
            if (result.Succeeded)
            {
                Atomic.StoreRelease(ref _openPages, pages);
            }

            return result;
        }
    }
}
