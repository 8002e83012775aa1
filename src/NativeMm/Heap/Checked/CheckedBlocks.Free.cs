using NativeMm.Diagnostics;

namespace NativeMm.Heap.Checked;

internal sealed unsafe partial class CheckedBlocks
{
    /// <summary>Frees a block; null is allowed.</summary>
    /// <exception cref="MemoryFaultException">
    /// The pointer is not a live block of this heap (nothing happened), or the block's red zones are damaged (the block is freed), or an
    /// older freed block was written (the block is freed).
    /// </exception>
    public void Free(void* block)
    {
        if (block is null)
        {
            return;
        }

        ThrowIfDisposed();
        CheckedBlock? claimed = _ledger.Claim((nuint)block);
        if (claimed is null)
        {
            throw Diagnose((nuint)block, "Free");
        }

        MemoryFaultException? fault;
        try
        {
            fault = FindOverrun(claimed);
        }
        finally
        {
            // Also when there is no managed memory to say what is wrong.
            Retire(claimed);
        }

        fault ??= TrimQuarantine();
        if (fault is not null)
        {
            throw fault;
        }
    }

    /// <summary>
    /// Changes a block's size. It always moves, so that whoever still uses the old pointer is found out; the alignment is kept. Null allocates.
    /// </summary>
    /// <returns>The new block; null when there is no memory, and then the old one is as it was.</returns>
    /// <exception cref="MemoryFaultException">As <see cref="Free"/>, but nothing happened: the old block is as it was.</exception>
    public void* Realloc(void* block, nuint bytes)
    {
        if (block is null)
        {
            return Alloc(bytes, AlignmentMin, zeroed: false);
        }

        ThrowIfDisposed();
        CheckedBlock? old = _ledger.Find((nuint)block, out BlockState state);
        if (old is null || state != BlockState.Live)
        {
            throw Diagnose((nuint)block, "Realloc");
        }

        if ((FindOverrun(old) ?? TrimQuarantine() ?? PatrolQuarantine()) is { } fault)
        {
            throw fault;
        }

        void* moved = AllocUnpatrolled(bytes, old.Alignment, zeroed: false);
        if (moved is null)
        {
            return null;
        }

        if (!ReferenceEquals(_ledger.Claim(old.Address), old))
        {
            // Somebody else freed the block since it was looked up: that is the caller's race, and the new block is not owed to anyone.
            Retire(_ledger.Claim((nuint)moved)!);
            throw Diagnose((nuint)block, "Realloc");
        }

        Invariant.Assert(moved != block, $"The checked block at 0x{(nuint)block:x} was handed out again while it was in use.");
        Buffer.MemoryCopy(block, moved, bytes, Math.Min(old.Bytes, bytes));
        Retire(old);
        return moved;
    }

    /// <summary>Takes a claimed block out of use: never throws a fault, so that what its caller has begun is completed.</summary>
    private void Retire(CheckedBlock block)
    {
        Invariant.Assert(block.State == BlockState.Freed, $"The block at 0x{block.Address:x} is retired and is {block.State}.");
        if (block.AllocatedAt is not null)
        {
            block.FreedAt = AllocationStack.TryCapture();
        }

        if (!_quarantine.Fits(block))
        {
            GiveBack(block);
            return;
        }

        BlockPaint.Fill(block.Address, block.Bytes, BlockPaint.Poison);
        PaintRedZones(block);
        _quarantine.Add(block);
    }

    private MemoryFaultException? TrimQuarantine()
    {
        while (_quarantine.TryTake(overBudgetOnly: true) is { } block)
        {
            if (LeaveQuarantine(block) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private MemoryFaultException? EmptyQuarantine()
    {
        MemoryFaultException? first = null;
        while (_quarantine.TryTake(overBudgetOnly: false) is { } block)
        {
            try
            {
                first ??= LeaveQuarantine(block);
            }
            catch (OutOfMemoryException)
            {
                // No managed memory to say what was written where: the block left all the same, and so do the others.
            }
        }

        return first;
    }

    private MemoryFaultException? PatrolQuarantine() =>
        _quarantine.Patrol(out nuint damaged, out byte found) is { } block ? UseAfterFree(block, damaged, found) : null;

    private MemoryFaultException? LeaveQuarantine(CheckedBlock block)
    {
        try
        {
            return block.Reported ? null : FindLateWrite(block);
        }
        finally
        {
            GiveBack(block);
        }
    }

    private void GiveBack(CheckedBlock block)
    {
        _ledger.Release(block);
        _raw.RawFree((void*)block.RawAddress);
    }
}
