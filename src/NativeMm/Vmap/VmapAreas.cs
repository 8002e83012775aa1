using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The records of all ranges in one array, and which record and which frame each page of the window has. Reserved address space, committed as
/// it is touched. Thread-safe.
/// </summary>
internal sealed unsafe class VmapAreas : IDisposable
{
    private readonly IMemoryPlatform _platform;
    private readonly nuint _bytes;
    private nuint _memory;
    private SpinLock<NoLockStatistics> _lock;
    private uint _freeRecord;
    private uint _freshRecord = 1;

    /// <summary>Makes the tables of a window.</summary>
    /// <param name="geometry">Its pages, and the most ranges that it can have.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the address space.</exception>
    public VmapAreas(FreeSpaceGeometry geometry)
    {
        _platform = geometry.Platform;
        Max = geometry.RangesMax;
        nuint records = ((nuint)Max + 1) * (nuint)sizeof(VmapArea);
        nuint table = (nuint)geometry.Pages * sizeof(uint);
        _bytes = records + (2 * table);
        PlatformResult result = _platform.Reserve(_bytes, _platform.PageBytes, out _memory);
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException($"The system refuses {_bytes} bytes for the bookkeeping of {geometry.Pages} pages of address space: {result}.");
        }

        Records = (VmapArea*)_memory;
        AreaOf = (uint*)(_memory + records);
        FrameOf = AreaOf + geometry.Pages;
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

    /// <summary>Takes a record whose state is <see cref="VmapAreaState.None"/>, or gives 0.</summary>
    public uint TryTake()
    {
        _lock.Enter();
        uint record = _freeRecord;
        if (record != 0)
        {
            _freeRecord = Records[record].Next;
        }
        else if (_freshRecord <= Max)
        {
            record = _freshRecord;
            Atomic.StoreRelease(ref _freshRecord, record + 1);
        }

        _lock.Exit();
        return record;
    }

    /// <summary>Gives a record back whose pages are not in the table any more.</summary>
    public void Give(uint record)
    {
        VmapArea* area = Records + record;
        area->Version.BeginWrite();
        area->Pages = 0;
        area->GuardPages = 0;
        area->Mappings = 0;
        area->Version.EndWrite();
        Atomic.StoreRelease(ref area->State, (uint)VmapAreaState.None);
        _lock.Enter();
        area->Next = _freeRecord;
        _freeRecord = record;
        _lock.Exit();
    }

    /// <summary>Says which record the pages of a range have.</summary>
    public void Enter(PageRange range, uint record)
    {
        for (uint page = range.Start; page < range.End; page++)
        {
            Atomic.StoreRelease(ref AreaOf[page], record);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_memory != 0)
        {
            _platform.ReleaseOrKeep(_memory, _bytes);
            _memory = 0;
        }
    }
}
