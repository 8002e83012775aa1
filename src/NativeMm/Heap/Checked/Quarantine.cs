using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

/// <summary>
/// Freed blocks in the order they were freed, kept from being used again while their bytes together stay within a budget: a late write
/// then damages poison instead of somebody else's data. Thread-safe; one short lock.
/// </summary>
internal sealed class Quarantine(ulong bytesMax)
{
    private const uint PatrolBytes = 4096;

    private SpinLock<NoLockStatistics> _lock;
    private CheckedBlockList _blocks;
    private CheckedBlock? _patrol;
    private ulong _bytes;

    /// <summary>Blocks in quarantine and the bytes that they keep.</summary>
    public (long Blocks, ulong Bytes) Count()
    {
        _lock.Enter();
        (long Blocks, ulong Bytes) held = (_blocks.Count, _bytes);
        _lock.Exit();
        return held;
    }

    /// <summary>Whether a block can be kept at all.</summary>
    public bool Fits(CheckedBlock block) => block.RawBytes <= bytesMax;

    /// <summary>Takes a poisoned block in. The budget is for <see cref="TryTake"/> to restore.</summary>
    public void Add(CheckedBlock block)
    {
        _lock.Enter();
        _blocks.Add(block);
        Invariant.Assert(block.RawBytes <= bytesMax, $"A block of {block.RawBytes} bytes comes to a quarantine of {bytesMax}.");
        _bytes += block.RawBytes;
        _lock.Exit();
    }

    /// <summary>Takes the oldest block out, always or only while the budget is exceeded; null when there is none to take.</summary>
    public CheckedBlock? TryTake(bool overBudgetOnly)
    {
        _lock.Enter();
        CheckedBlock? block = null;
        if (!overBudgetOnly || _bytes > bytesMax)
        {
            _patrol = ReferenceEquals(_patrol, _blocks.First) ? _patrol?.Next : _patrol;
            block = _blocks.TryTake();
            _bytes -= block?.RawBytes ?? 0;
            Invariant.Assert(
                (_blocks.Count == 0) == (_bytes == 0) && (block is null || block.State == BlockState.Freed),
                $"{_blocks.Count} blocks in quarantine have {_bytes} bytes.");
        }

        _lock.Exit();
        return block;
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
            CheckedBlock? block = _patrol ?? _blocks.First;
            if (block is null)
            {
                return null;
            }

            Invariant.Assert(block.State == BlockState.Freed && _blocks.Count != 0, $"The block at 0x{block.Address:x} lies in quarantine and is {block.State}.");
            _patrol = block.Next;
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
            for (CheckedBlock? block = _blocks.First; block is not null; block = block.Next)
            {
                visit(block);
            }
        }
        finally
        {
            _lock.Exit();
        }
    }
}
