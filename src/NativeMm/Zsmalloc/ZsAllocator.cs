// Purpose      slots for objects of 1 to 4096 bytes in chains of frames, behind handles that stay valid while objects move.
// States       cell: ZsCell. slot: ZsHead. zspage: dead, listed by fullness, isolated by a compactor; Zspage.Pins: readers, Frozen, Deferred.
// Transitions  Alloc, Free, one step of a compactor, and migration of a frame: under the lock of the shard, each at most one object's or one
//              frame's copy long. A shard is one class in one stripe; a zspage belongs to one shard at a time.
// Ownership    field              | who writes                     | who reads | how                | guard
//              cell               | Alloc, Free, compactor         | anybody   | release, acquire   | lock of the shard its zspage is in
//              Zspage.Pins        | readers, compactor, migration  | anybody   | locked operations  | none
//              Zspage.ShardPlusOne| build, destroy, restripe       | anybody   | release, acquire   | locks of both shards
//              frames of a zspage | build, migration               | readers   | plain              | pinned or the lock
//              content of a slot  | its one writer, a compactor    | readers   | plain              | pinned / frozen
//              reverse map        | build, destroy, migration      | migration | release, acquire   | checked again under the lock
// Ordering     A handle is resolved without a lock: read the cell, find the shard of its zspage (the class is in the cell, constant while the
//              handle lives), take that lock, and read both again. Whoever holds the lock of the shard that a zspage is in alone may change the
//              cells of its objects, so what the second look saw stays.
//              [A1] A reader pins the zspage and then [A2] reads the cell again. A compactor or a free changes the cell and looks at the pins:
//              freeze [Z2], copy, [A3] cell, thaw; or [A4] cell, freeze, give the frames back. Both pins and freeze are read-modify-writes that
//              order what is before and after them, on arm64 too: the reader sees the frozen bit or the changed cell, or the other side sees
//              the pin and leaves the zspage where it is.
//              [A5] The head and the chain of slots are written before the cell's release; a reader's acquire [A2] makes them visible.
// Reuse        generations in cells; descriptors and cells are type-stable, so that a late pin of a dead zspage touches a descriptor and nothing
//              else, and is taken back.
// Progress     blocking, for one object copy or list step. Readers take no lock in mode PerClass; one that meets a frozen zspage waits for one
//              copy. A stalled reader keeps its zspage from being moved or freed, nobody from working.
// Source       zsmalloc of Linux (mm/zsmalloc.c) as of 2026: class in the handle's word, lock, look again. Departures: stripes, so that cores
//              which use the same class do not meet; objects are found by zspage, not by frame, so that migrating a frame rewrites one number and no
//              handle; generations; one object a lock hold in compaction.

using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// The allocator of a <see cref="ZsPool"/>. Accounting equations, for each shard: slots = zspages × objects a zspage; used = Σ in use of its
/// zspages; zspages = Σ groups + isolated; and over all shards: used = live cells, frames = Σ zspages × frames a zspage.
/// </summary>
/// <typeparam name="TLocking">The granularity of the locks.</typeparam>
/// <typeparam name="TStatistics">What the locks record.</typeparam>
/// <typeparam name="TPause">Where race tests may hold a thread.</typeparam>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause> : ZsEngine
    where TLocking : struct, IZsLocking
    where TStatistics : unmanaged, ILockStatistics
    where TPause : struct, IPausePoint
{
    private const int CellShift = 3;

    // Pins are written by readers, so a descriptor keeps away from its neighbours, which may be another core's; the longest chain fits in.
    private const int DescriptorShift = 7;
    private const int StripesDefaultMax = 16;
    private const byte DescriptorFits = Zspage.Bytes + (ZsPoolOptions.ChainFramesLimit * sizeof(uint)) <= 1 << DescriptorShift ? 0 : -1;

    private readonly IFrameAllocator _frames;
    private readonly FrameZone _zone;
    private readonly nuint _zoneBase;
    private readonly ZsPoolOptions _options;
    private readonly ZsClassTable _table;
    private readonly int _stripes;
    private readonly int _compactorsMax;
    private readonly nuint _shardStride;
    private readonly ZsTable _cells;
    private readonly ZsTable _zspages;
    private readonly uint _tag;
    private byte* _classOf;
    private ZsClass* _classes;
    private byte* _shards;
    private uint* _zspageOfFrame;
    private uint _liveTag;

    /// <summary>Makes an empty allocator.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    public ZsAllocator(IFrameAllocator frames, ZsPoolOptions options)
    {
        _frames = frames;
        _zone = frames.Zone;
        _zoneBase = _zone.BaseAddress;
        _options = options;
        _compaction = options.AutoCompact ? new Compaction(this) : null;
        _table = new ZsClassTable(options.ChainFramesMax);
        _stripes = TLocking.OneLock ? 1 : StripesOf(options.Stripes);
        _commonCells = new uint[_stripes];
        _compactorsMax = TLocking.OneCompactor ? 1 : options.MaxCompactors != 0 ? options.MaxCompactors : Environment.ProcessorCount;
        _shardStride = ((nuint)sizeof(ZsShard<TStatistics>) + CacheLine.Isolation - 1) & ~(nuint)(CacheLine.Isolation - 1);
        _tag = ZsPoolTags.Take();
        try
        {
            Require(ZsTable.TryCreate(_zone.Platform, CellShift, ZsCell.CellCount, out ZsTable? cells), 0);
            _cells = cells!;
            Require(ZsTable.TryCreate(_zone.Platform, DescriptorShift, ZsCell.ZspageCount, out ZsTable? zspages), 0);
            _zspages = zspages!;
            _classOf = (byte*)Reserve(ZsPool.ObjectBytesMax + 1);
            _classes = (ZsClass*)Reserve((nuint)(_table.Classes.Count * sizeof(ZsClass)));
            _shards = (byte*)Reserve(ShardBytes);
            Require(_zone.TryAddArray(sizeof(uint), 0, readable: false, out nuint zspageOfFrame), (nuint)_zone.FrameCount * sizeof(uint));
            _zspageOfFrame = (uint*)zspageOfFrame;
            FillClasses();
            _liveTag = _tag;
            _frames.AddShrinker(this);
        }
        catch
        {
            ReleaseTables();
            throw;
        }
    }

    /// <inheritdoc/>
    public override int HugeObjectBytes => _table.HugeObjectBytes;

    /// <inheritdoc/>
    public override long TotalFrames => Atomic.LoadAcquire(ref _frameCount);

    private int ClassCount => _table.Classes.Count;

    private int ShardCount => ClassCount * _stripes;

    private nuint ShardBytes => (nuint)ShardCount * _shardStride;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ZsShard<TStatistics>* Shard(uint index) => (ZsShard<TStatistics>*)(_shards + (index * _shardStride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Zspage* PageAt(uint zspage) => (Zspage*)_zspages.At(zspage);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint ShardIndexHere(uint @class) =>
        TLocking.OneLock || _stripes == 1 ? @class * (uint)_stripes : (@class * (uint)_stripes) + ((uint)CoreId.CurrentHint.Value & (uint)(_stripes - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref WaiterLock<TStatistics> LockOf(ZsShard<TStatistics>* shard) =>
        ref TLocking.OneLock ? ref ((ZsShard<TStatistics>*)_shards)->Lock : ref shard->Lock;

    /// <summary>Address of a byte of a zspage.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* ByteAt(Zspage* page, uint offset) =>
        (byte*)_zoneBase + ((nuint)Zspage.FramesOf(page)[offset >> Pfn.FrameShift] << Pfn.FrameShift) + (offset & (Pfn.FrameBytes - 1));

    /// <summary>The head of a slot: before the object, or in the descriptor of an object with a frame of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong HeadOf(Zspage* page, in ZsClass geometry, uint slot)
    {
        if (geometry.IsHuge)
        {
            return ref page->HugeHead;
        }

        return ref *(ulong*)ByteAt(page, slot * geometry.Bytes);
    }

    private static int StripesOf(int asked)
    {
        int wanted = asked != 0 ? asked : int.Min(Environment.ProcessorCount, StripesDefaultMax);
        return (int)BitOperations.RoundUpToPowerOf2((uint)wanted);
    }

    private void FillClasses()
    {
        for (int i = 0; i < ClassCount; i++)
        {
            _classes[i] = _table.Classes[i];
        }

        for (int bytes = 1; bytes <= ZsPool.ObjectBytesMax; bytes++)
        {
            _classOf[bytes] = _table.ClassOf(bytes);
            Invariant.Assert(
                _classes[_classOf[bytes]].IsHuge || _classes[_classOf[bytes]].Bytes >= bytes + ZsClassTable.HeadBytes,
                $"An object of {bytes} bytes is of class {_classOf[bytes]}, whose slots have {_classes[_classOf[bytes]].Bytes}.");
        }
    }

    private nuint Reserve(nuint bytes)
    {
        Require(_zone.Platform.Reserve(bytes, _zone.Platform.PageBytes, out nuint address), bytes);
        return address;
    }

    private void Require(PlatformResult result, nuint bytes)
    {
        if (!result.Succeeded)
        {
            throw OutOfFrames.ForBookkeeping(_zone, bytes, result);
        }
    }
}
