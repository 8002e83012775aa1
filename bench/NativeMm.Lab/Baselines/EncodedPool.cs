// Purpose      a pool of movable objects with a lock for each class, to compare where the class of a handle can be kept: see IHandleEncoding. Simpler than
//              ZsPool on purpose: blocks of four frames in a row instead of chains, no merging, and an object is read under its class's lock.
// States       a cell's word: dead, or live with generation and place (EncodedCell). _classOfBlock: the class that owns a block, or owned it last.
// Ownership    a cell belongs to one class for ever; its word is written under that class's lock only, and read by anybody [E1]. Blocks, slots,
//              lists and _classOfBlock of a block: under the lock of the class that owns the block.
// Transitions  resolve a handle: read the cell [E1], find the class, lock it, read the cell again. Where the class may be mistaken, the block that
//              the cell names must belong to the locked class, else begin anew. That suffices: while the lock is held no block enters or leaves
//              the class, and a cell that still names a block which changed owners would have been rewritten before the block was given away.
// Ordering     [E1] acquire; pairs with the release in Publish [E2], so that the object's first byte is there when the cell names it. The second read is
//              behind the lock's acquire.
// Progress     blocking, as a pool with locks is; a mistaken class costs a round.
// Source       the three sketches in the discussion of the one-compactor patch (class in the handle's low bits, in the object's first byte, in the cell).

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines;

/// <summary>Objects of 1 to 4096 bytes behind handles that know their class by a choosable encoding. Thread-safe, except Dispose.</summary>
internal sealed unsafe partial class EncodedPool<TEncoding, TStatistics> : IDisposable
    where TEncoding : struct, IHandleEncoding
    where TStatistics : unmanaged, ILockStatistics
{
    private const int CellsMax = 1 << 24;
    private const int CellBatch = 64;
    private const int CellShift = 24;
    private const int GenerationShift = 8;

    // Cell 0 is never used, so that no handle is 0.
    private uint _cellsUsed = 1;

    private static readonly Order s_blockOrder = new(EncodedGeometry.BlockOrder);

    private readonly IFrameAllocator _frames;
    private readonly byte* _base;
    private readonly EncodedClass<TStatistics>[] _classes;
    private readonly EncodedBlock?[] _blocks;
    private readonly byte[] _classOfBlock;
    private ulong* _cells;

    /// <summary>Makes an empty pool.</summary>
    /// <param name="frames">Where blocks come from; stays the caller's.</param>
    public EncodedPool(IFrameAllocator frames)
    {
        _frames = frames;
        _base = (byte*)frames.Zone.BaseAddress;
        _classes = [.. Enumerable.Range(0, EncodedGeometry.Classes).Select(i => new EncodedClass<TStatistics>(i, EncodedGeometry.SlotBytes(i)))];
        _blocks = new EncodedBlock?[frames.Zone.FrameCount >> EncodedGeometry.BlockOrder];
        _classOfBlock = new byte[_blocks.Length];
        _cells = (ulong*)NativeMemory.AllocZeroed(CellsMax, sizeof(ulong));
    }

    /// <summary>Frames that the pool holds. Exact at rest.</summary>
    public long Frames => _classes.Sum(c => c.Slots / c.SlotsPerBlock) << EncodedGeometry.BlockOrder;

    /// <summary>Objects. Exact at rest.</summary>
    public long Objects => _classes.Sum(c => c.Used);

    /// <summary>Bytes of the objects' slots. Exact at rest.</summary>
    public long ClassBytes => _classes.Sum(c => c.Used * c.SlotBytes);

    /// <summary>Bytes that compaction copied. Exact at rest.</summary>
    public long BytesMoved => _classes.Sum(c => c.BytesMoved);

    /// <summary>What the locks recorded.</summary>
    public IReadOnlyList<TStatistics> LockStatistics => [.. _classes.Select(c => c.Lock.Statistics)];

    /// <summary>Makes an object.</summary>
    /// <exception cref="InsufficientMemoryException">There are no frames or cells left.</exception>
    public ulong Alloc(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, EncodedGeometry.BytesMax);
        EncodedClass<TStatistics> owner = _classes[EncodedGeometry.ClassFor(bytes, TEncoding.BytesPerObject)];
        owner.Lock.Enter();
        try
        {
            EncodedBlock block = owner.Roomy.Count > 0 ? owner.Roomy[^1] : AddBlock(owner);
            uint number = TakeCell(owner);
            ushort generation = new EncodedCell(_cells[number]).Generation;
            int place = TakeSlot(owner, block);
            ulong handle = ((ulong)number << CellShift) | ((ulong)generation << GenerationShift) | TEncoding.HandleBits(owner.Index);
            byte* head = SlotOf(block.Number, place);
            *(ulong*)head = handle;
            TEncoding.Mark(head + EncodedGeometry.HeadBytes, owner.Index);
            Publish(number, EncodedCell.Live(generation, owner.Index, block.Number, place));
            owner.Used++;
            return handle;
        }
        finally
        {
            owner.Lock.Exit();
        }
    }

    /// <summary>Frees an object.</summary>
    /// <exception cref="ArgumentException">The handle is stale.</exception>
    public void Free(ulong handle)
    {
        EncodedClass<TStatistics> owner = Resolve(handle, out EncodedCell cell);
        uint number = NumberOf(handle);
        Publish(number, EncodedCell.Dead((ushort)(cell.Generation + 1), owner.DeadCell));
        owner.DeadCell = number;
        owner.Used--;
        GiveSlot(owner, _blocks[cell.Block]!, cell.Place);
        owner.Lock.Exit();
    }

    /// <summary>Writes an object from its start.</summary>
    /// <exception cref="ArgumentException">The handle is stale, or the content does not fit.</exception>
    public void Write(ulong handle, ReadOnlySpan<byte> content)
    {
        EncodedClass<TStatistics> owner = Resolve(handle, out EncodedCell cell);
        Span<byte> place = Content(owner, cell);
        bool fits = content.Length <= place.Length;
        if (fits)
        {
            content.CopyTo(place);
        }

        owner.Lock.Exit();
        if (!fits)
        {
            throw new ArgumentException($"{content.Length} bytes do not fit into an object of at most {place.Length}.", nameof(content));
        }
    }

    /// <summary>Copies the start of an object.</summary>
    /// <exception cref="ArgumentException">The handle is stale.</exception>
    public void CopyTo(ulong handle, Span<byte> destination)
    {
        EncodedClass<TStatistics> owner = Resolve(handle, out EncodedCell cell);
        Span<byte> content = Content(owner, cell);
        content[..Math.Min(content.Length, destination.Length)].CopyTo(destination);
        owner.Lock.Exit();
    }

    /// <summary>Looks at the first and the last byte of an object's room.</summary>
    /// <exception cref="ArgumentException">The handle is stale.</exception>
    public int Look(ulong handle)
    {
        EncodedClass<TStatistics> owner = Resolve(handle, out EncodedCell cell);
        Span<byte> content = Content(owner, cell);
        int seen = content[0] ^ content[^1];
        owner.Lock.Exit();
        return seen;
    }

    /// <summary>Gives all blocks back, also those with objects.</summary>
    public void Dispose()
    {
        if (_cells == null)
        {
            return;
        }

        foreach (EncodedBlock? block in _blocks)
        {
            if (block is { Used: > 0 } or { Index: >= 0 })
            {
                _frames.Free(FrameOf(block.Number), s_blockOrder);
            }
        }

        NativeMemory.Free(_cells);
        _cells = null;
    }

    private static uint NumberOf(ulong handle) => (uint)(handle >> CellShift);

    private static ushort GenerationOf(ulong handle) => (ushort)(handle >> GenerationShift);

    private static Pfn FrameOf(int block) => new((uint)block << EncodedGeometry.BlockOrder);

    // The object's class, locked, and its cell as it stands under the lock.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private EncodedClass<TStatistics> Resolve(ulong handle, out EncodedCell cell)
    {
        uint number = NumberOf(handle);
        ushort generation = GenerationOf(handle);
        while (true)
        {
            var seen = new EncodedCell(number < CellsMax ? Atomic.LoadAcquire(ref _cells[number]) : 0); // [E1] pairs with [E2]
            if (!seen.IsLive(generation))
            {
                throw Stale(handle);
            }

            EncodedClass<TStatistics> owner = _classes[TEncoding.ClassOf(handle, seen, FirstByteOf(seen))];
            owner.Lock.Enter();
            cell = new EncodedCell(_cells[number]);
            if (cell.IsLive(generation) && (!TEncoding.MayMistake || _classOfBlock[cell.Block] == owner.Index))
            {
                return owner;
            }

            owner.Lock.Exit();
        }
    }

    private static ArgumentException Stale(ulong handle) => new($"Handle {handle:x} names no object.", nameof(handle));

    private void Publish(uint number, EncodedCell cell) => Atomic.StoreRelease(ref _cells[number], cell.Value); // [E2] pairs with [E1]

    private byte* SlotOf(int block, int place) =>
        _base + ((long)block * EncodedGeometry.BlockBytes) + (place * EncodedGeometry.Step);

    private byte* FirstByteOf(EncodedCell cell) => SlotOf(cell.Block, cell.Place) + EncodedGeometry.HeadBytes;

    private Span<byte> Content(EncodedClass<TStatistics> owner, EncodedCell cell)
    {
        int before = EncodedGeometry.HeadBytes + TEncoding.BytesPerObject;
        return new Span<byte>(SlotOf(cell.Block, cell.Place) + before, owner.SlotBytes - before);
    }
}
