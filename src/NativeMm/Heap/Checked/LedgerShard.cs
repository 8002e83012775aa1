using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

/// <summary>
/// One part of the ledger, with its own lock: live and freed blocks by their address, and a bounded memory of blocks that are gone.
/// Counting: blocks in the table = live + freed + former, former ≤ <see cref="FormerBlocksMax"/>.
/// </summary>
internal sealed class LedgerShard
{
    private const int FormerBlocksMax = 512;

    private readonly Dictionary<nuint, CheckedBlock> _blocks = [];
    private SpinLock<NoLockStatistics> _lock;
    private CheckedBlockList _former;
    private long _liveBlocks;
    private ulong _liveBytes;

    /// <summary>Enters a block that was just allocated.</summary>
    public void Add(CheckedBlock block)
    {
        _lock.Enter();
        try
        {
            if (_blocks.TryGetValue(block.Address, out CheckedBlock? known))
            {
                Invariant.Check(known.State == BlockState.Released, $"The raw heap handed out 0x{block.Address:x} twice: it is {known.State}.");
            }

            _blocks[block.Address] = block;
            Invariant.Assert(
                block.State == BlockState.Live && block.Contains(block.Address),
                $"The block at 0x{block.Address:x} is entered and is {block.State}.");
            _liveBlocks++;
            _liveBytes += block.Bytes;
            Invariant.Assert(_lock.IsHeld && _liveBlocks <= _blocks.Count, $"{_liveBlocks} blocks live, of {_blocks.Count} that are known.");
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Looks a block up by its exact address, with its state at this moment.</summary>
    public CheckedBlock? Find(nuint address, out BlockState state)
    {
        _lock.Enter();
        try
        {
            CheckedBlock? block = _blocks.GetValueOrDefault(address);
            state = block?.State ?? BlockState.Released;
            return block;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Live → Freed: exactly one of any number of callers gets the block.</summary>
    public CheckedBlock? Claim(nuint address)
    {
        _lock.Enter();
        try
        {
            if (!_blocks.TryGetValue(address, out CheckedBlock? block) || block.State != BlockState.Live)
            {
                return null;
            }

            block.State = BlockState.Freed;
            _liveBlocks--;
            _liveBytes -= block.Bytes;
            Invariant.Assert(_liveBlocks >= 0 && (long)_liveBytes >= 0, $"{_liveBlocks} live blocks have {(long)_liveBytes} bytes.");
            Invariant.Assert(_liveBlocks != 0 || _liveBytes == 0, $"No live blocks have {_liveBytes} bytes.");
            return block;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Freed → Released. It must come before the memory goes back: after that the same address may be added again.</summary>
    public void Release(CheckedBlock block)
    {
        _lock.Enter();
        try
        {
            Invariant.Check(block.State == BlockState.Freed, $"Block 0x{block.Address:x} is released while {block.State}.");
            block.State = BlockState.Released;
            _former.Add(block);
            if (_former.Count > FormerBlocksMax
                && _former.TryTake() is { } forgotten
                && _blocks.TryGetValue(forgotten.Address, out CheckedBlock? known)
                && ReferenceEquals(known, forgotten))
            {
                Invariant.Assert(forgotten.State == BlockState.Released, $"The block at 0x{forgotten.Address:x} is forgotten and is {forgotten.State}.");
                _blocks.Remove(forgotten.Address);
            }

            Invariant.Assert(_former.Count <= FormerBlocksMax, $"{_former.Count} blocks that are gone are remembered.");
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>The live or freed block around an address; a walk over the whole shard, for messages only.</summary>
    public CheckedBlock? FindAround(nuint address, out BlockState state)
    {
        _lock.Enter();
        try
        {
            foreach (CheckedBlock block in _blocks.Values)
            {
                if (block.State != BlockState.Released && block.Contains(address))
                {
                    state = block.State;
                    return block;
                }
            }

            state = BlockState.Released;
            return null;
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Calls back for every live block. The lock is held, so that none of them can be freed meanwhile.</summary>
    public void VisitLive(Action<CheckedBlock> visit)
    {
        _lock.Enter();
        try
        {
            foreach (CheckedBlock block in _blocks.Values)
            {
                if (block.State == BlockState.Live)
                {
                    visit(block);
                }
            }
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Live → Freed for every live block, without managed memory.</summary>
    /// <param name="into">The list that they come to.</param>
    public void ClaimAll(ref CheckedBlockList into)
    {
        _lock.Enter();

        // Not by Values, which is an object.
        foreach ((_, CheckedBlock block) in _blocks)
        {
            if (block.State == BlockState.Live)
            {
                block.State = BlockState.Freed;
                into.Add(block);
            }
        }

        _liveBlocks = 0;
        _liveBytes = 0;
        _lock.Exit();
    }

    /// <summary>Live blocks and their bytes.</summary>
    public (long Blocks, ulong Bytes) CountLive()
    {
        _lock.Enter();
        (long Blocks, ulong Bytes) live = (_liveBlocks, _liveBytes);
        _lock.Exit();
        return live;
    }
}
