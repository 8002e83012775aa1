using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

/// <summary>
/// Freed blocks in the order they were freed, kept from being used again while their bytes together stay within a budget: a late write
/// then damages poison instead of somebody else's data. Thread-safe; one short lock.
/// </summary>
internal sealed class Quarantine(ulong bytesMax)
{
    private const uint PatrolBytes = 4096;

    private CheckedBlock?[] _ring = new CheckedBlock?[64];
    private SpinLock<NoLockStatistics> _lock;
    private int _head;
    private int _count;
    private int _patrol;
    private ulong _bytes;

    /// <summary>Blocks in quarantine and the bytes that they keep.</summary>
    public (long Blocks, ulong Bytes) Count()
    {
        _lock.Enter();
        (long Blocks, ulong Bytes) held = (_count, _bytes);
        _lock.Exit();
        return held;
    }

    /// <summary>Whether a block can be kept at all.</summary>
    public bool Fits(CheckedBlock block) => block.RawBytes <= bytesMax;

    /// <summary>Takes a poisoned block in. The budget is for <see cref="TryTake"/> to restore.</summary>
    public void Add(CheckedBlock block)
    {
        _lock.Enter();
        try
        {
            if (_count == _ring.Length)
            {
                Grow();
            }

            _ring[(_head + _count) & (_ring.Length - 1)] = block;
            _count++;
            _bytes += block.RawBytes;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Takes the oldest block out, always or only while the budget is exceeded; null when there is none to take.</summary>
    public CheckedBlock? TryTake(bool overBudgetOnly)
    {
        _lock.Enter();
        try
        {
            if (_count == 0 || (overBudgetOnly && _bytes <= bytesMax))
            {
                return null;
            }

            CheckedBlock block = _ring[_head]!;
            _ring[_head] = null;
            _head = (_head + 1) & (_ring.Length - 1);
            _count--;
            _bytes -= block.RawBytes;
            return block;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>
    /// Looks at the next block's first page: allocations call it, so that a late write shows soon after it happened and not only when the
    /// block leaves. Each block is reported once.
    /// </summary>
    public unsafe CheckedBlock? Patrol(out nuint damaged, out byte found)
    {
        damaged = 0;
        found = 0;
        _lock.Enter();
        try
        {
            if (_count == 0)
            {
                return null;
            }

            _patrol = _patrol + 1 < _count ? _patrol + 1 : 0;
            CheckedBlock block = _ring[(_head + _patrol) & (_ring.Length - 1)]!;
            if (block.Reported || !BlockPaint.TryFindDamage(block.Address, Math.Min(block.Bytes, PatrolBytes), BlockPaint.Poison, out damaged))
            {
                return null;
            }

            // Read here: once the lock is given up, the block may leave and its memory go.
            found = *(byte*)damaged;
            block.Reported = true;
            return block;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Calls back for every block. The lock is held, so that none of them can leave meanwhile.</summary>
    public void Visit(Action<CheckedBlock> visit)
    {
        _lock.Enter();
        try
        {
            for (int i = 0; i < _count; i++)
            {
                visit(_ring[(_head + i) & (_ring.Length - 1)]!);
            }
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void Grow()
    {
        var ring = new CheckedBlock?[_ring.Length * 2];
        for (int i = 0; i < _count; i++)
        {
            ring[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        _ring = ring;
        _head = 0;
    }
}
