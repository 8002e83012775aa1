using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Handle cells: each shard has a few free ones of its own; the rest is common.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    private const int CellBatch = 64;

    // Under _cellLock. Cell 0 is never used, so that 0 can end a chain.
    private ZsLock<TStatistics> _cellLock;
    private uint _commonCell;
    private uint _cellEnd = 1;

    private long _cellsRetired;

    /// <summary>Gets a batch of free cells for a shard. The caller holds no lock.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryRefillCells(ZsShard<TStatistics>* shard)
    {
        _cellLock.Enter();
        uint count = 0;
        uint head = 0;
        uint tail = 0;
        while (count < CellBatch && TryTakeCommon(out uint cell))
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

        ref ZsLock<TStatistics> guard = ref LockOf(shard);
        guard.Enter();
        SetNext(tail, shard->FreeCell);
        shard->FreeCell = head;
        shard->FreeCellCount += count;
        guard.Exit();
        return true;
    }

    private bool TryTakeCommon(out uint cell)
    {
        cell = _commonCell;
        if (cell != 0)
        {
            _commonCell = new ZsCell(*CellAt(cell)).Next;
            return true;
        }

        if (!_cells.TryEnsure(_cellEnd))
        {
            return false;
        }

        cell = _cellEnd++;
        return true;
    }

    /// <summary>Takes a batch off a shard's free cells. Under the lock of the shard.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint DetachCells(ZsShard<TStatistics>* shard)
    {
        uint head = shard->FreeCell;
        uint tail = head;
        for (int i = 1; i < CellBatch; i++)
        {
            tail = new ZsCell(*CellAt(tail)).Next;
        }

        shard->FreeCell = new ZsCell(*CellAt(tail)).Next;
        shard->FreeCellCount -= CellBatch;
        SetNext(tail, 0);
        return head;
    }

    /// <summary>Makes a batch common. The caller holds no lock.</summary>
    private void ReturnCells(uint head)
    {
        uint tail = head;
        uint next;
        while ((next = new ZsCell(*CellAt(tail)).Next) != 0)
        {
            tail = next;
        }

        _cellLock.Enter();
        SetNext(tail, _commonCell);
        _commonCell = head;
        _cellLock.Exit();
    }

    // The generation stays: a stale handle is compared with it at any time.
    private void SetNext(uint cell, uint next)
    {
        ulong* word = CellAt(cell);
        Atomic.StoreRelease(ref *word, new ZsCell(*word).Link(next).Bits);
    }

    /// <summary>The last use of a cell is over: it never comes back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RetireCell(ulong* word)
    {
        Atomic.StoreRelease(ref *word, 0UL);
        Atomic.Add(ref _cellsRetired, 1);
    }
}
