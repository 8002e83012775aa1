using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>
/// Handle cells: each shard has a few free ones of its own, the others are common to the shards of a stripe. So cells that share a line stay with
/// one core, as far as objects do.
/// </content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    private const int CellBatch = 64;

    // Cell 0 is never used, so that 0 can end a chain; nor are those beside it, so that batches of fresh cells fill whole lines.
    private const uint FirstCell = CellBatch;

    // By stripe. Like the end under _cellLock.
    private readonly uint[] _commonCells;
    private WaiterLock<TStatistics> _cellLock;
    private uint _cellEnd = FirstCell;

    private long _cellsRetired;

    /// <summary>Gets a batch of free cells for a shard. The caller holds no lock.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryRefillCells(uint index)
    {
        ZsShard<TStatistics>* shard = Shard(index);
        ref uint common = ref CommonCellsOf(index);
        _cellLock.Enter();
        uint count = 0;
        uint head = 0;
        uint tail = 0;
        while (count < CellBatch && (TryTakeCommon(ref common, out uint cell) || TryTakeFresh(out cell) || TryTakeAnywhere(out cell)))
        {
            tail = tail == 0 ? cell : tail;
            SetNext(cell, head);
            head = cell;
            count++;
        }

        _cellLock.Exit();
        if (count == 0)
        {
            return false;
        }

        Invariant.Assert(head != 0 && tail != 0, $"A batch of {count} cells begins at cell {head} and ends at {tail}.");
        ref WaiterLock<TStatistics> guard = ref LockOf(shard);
        guard.Enter();
        Invariant.Assert(count <= CellBatch && (shard->FreeCell != 0) == (shard->FreeCellCount != 0), $"A shard with {shard->FreeCellCount} free cells gets {count}.");
        SetNext(tail, shard->FreeCell);
        shard->FreeCell = head;
        shard->FreeCellCount += count;
        guard.Exit();
        return true;
    }

    private ref uint CommonCellsOf(uint shard) => ref _commonCells[shard % (uint)_stripes];

    private bool TryTakeCommon(ref uint common, out uint cell)
    {
        cell = common;
        if (cell == 0)
        {
            return false;
        }

        Invariant.Assert(_cellLock.IsHeld && !new ZsCell(*CellAt(cell)).IsLive, $"Cell {cell} is on a list of free ones and live, or the lock is not held.");
        common = new ZsCell(*CellAt(cell)).Next;
        return true;
    }

    private bool TryTakeFresh(out uint cell)
    {
        Invariant.Assert(_cellLock.IsHeld && _cellEnd >= FirstCell, $"Cell {_cellEnd} is taken without the lock.");
        cell = _cellEnd;
        if (!_cells.TryEnsure(cell))
        {
            return false;
        }

        Invariant.Assert(new ZsCell(*CellAt(cell)).Bits == 0, $"Cell {cell} was never used and is not empty.");
        _cellEnd++;
        return true;
    }

    /// <summary>There is no memory for fresh cells: another stripe may have some.</summary>
    private bool TryTakeAnywhere(out uint cell)
    {
        cell = 0;
        for (int stripe = 0; stripe < _commonCells.Length && cell == 0; stripe++)
        {
            _ = TryTakeCommon(ref _commonCells[stripe], out cell);
        }

        return cell != 0;
    }

    /// <summary>Takes a batch off a shard's free cells. Under the lock of the shard.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint DetachCells(ZsShard<TStatistics>* shard)
    {
        uint head = shard->FreeCell;
        uint tail = head;
        Invariant.Assert(LockOf(shard).IsHeld && shard->FreeCellCount > FreeCellsMax, $"A shard with {shard->FreeCellCount} free cells gives some away.");
        for (int i = 1; i < CellBatch; i++)
        {
            tail = new ZsCell(*CellAt(tail)).Next;
            Invariant.Assert(tail != 0, $"The chain of {shard->FreeCellCount} free cells ends behind {i}.");
        }

        shard->FreeCell = new ZsCell(*CellAt(tail)).Next;
        Invariant.Assert(shard->FreeCell != 0, $"A shard has no free cell behind a batch, and counts {shard->FreeCellCount} before it.");
        shard->FreeCellCount -= CellBatch;
        SetNext(tail, 0);
        return head;
    }

    /// <summary>Makes a batch of a shard's cells common to its stripe. The caller holds no lock.</summary>
    private void ReturnCells(uint index, uint head)
    {
        Invariant.Assert(head != 0, "A batch of no cells is returned.");
        uint tail = head;
        uint next;
        while ((next = new ZsCell(*CellAt(tail)).Next) != 0)
        {
            tail = next;
        }

        ref uint common = ref CommonCellsOf(index);
        _cellLock.Enter();
        SetNext(tail, common);
        common = head;
        _cellLock.Exit();
    }

    // The generation stays: a stale handle is compared with it at any time.
    private void SetNext(uint cell, uint next)
    {
        ulong* word = CellAt(cell);
        Invariant.Assert(!new ZsCell(*word).IsLive && next < _cellEnd && next != cell, $"Cell {cell} is chained to {next}, and is live, or that was never given.");
        Atomic.StoreRelease(ref *word, new ZsCell(*word).Link(next).Bits);
    }

    /// <summary>The last use of a cell is over: it never comes back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RetireCell(ulong* word)
    {
        Invariant.Assert(new ZsCell(*word).IsSpent, $"A cell of generation {new ZsCell(*word).Generation} retires.");
        Atomic.StoreRelease(ref *word, 0UL);
        Atomic.Add(ref _cellsRetired, 1);
    }
}
