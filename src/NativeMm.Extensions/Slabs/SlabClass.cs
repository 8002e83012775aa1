// Purpose      blocks of one size: stripes of returned blocks for each core before slabs with bitmaps.
// States       a block is rented, in a stripe, free in its slab (with memory behind it or without), or taken by a pass that discards its pages.
// Transitions  rent: stripe → program, else slab → program, along with a batch of blocks that have memory behind them → stripe. Return: program → stripe;
//              a full stripe sends its older half → slab. Pass: what lay for too long, stripe → slab → discarding → slab.
// Ownership    stripes | their own spin lock. Slabs and their bitmaps, the list, the counts | _lock. A block's words | who holds the block.
// Ordering     the locks order everything: one section at a time has a block, and it leaves a section only for the next list or for the program.
// Progress     blocking. No lock is held over a call of the system or an allocation of a slab. The lock of a stripe is never waited for under _lock, nor the
//              other way round.
// Reuse        a block's object lives as long as its slab; a disposal too many of a block that is rented again ends the new rent, as in Kestrel's own pool.
//              The checked mode has an object for each rent.

using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>The blocks of one size of a store. Thread-safe.</summary>
internal sealed class SlabClass
{
    /// <summary>Most blocks that move at once.</summary>
    public const int BatchMax = 64;

    private const int SlabBytes = 2 << 20;

    // What the requests of a core have in use between two of its moves, and some more: what does not fit costs a lock and a search.
    private const int StripeBytes = 1 << 20;
    private const int StripeBlocksMax = 256;

    private readonly SlabStripe[] _stripes;
    private readonly List<Slab> _slabs = [];
    private readonly int _batch;
    private readonly int _blocksInSlab;
    private SleepLock _lock;
    private int _reservedSlabs;
    private long _allocatedBlocks;
    private long _evictedBlocks;

    /// <summary>Makes a class without slabs.</summary>
    public SlabClass(SlabStore store, int blockBytes)
    {
        Store = store;
        BlockBytes = blockBytes;
        _blocksInSlab = int.Max(SlabBytes / blockBytes, 1);
        int capacity = int.Clamp(StripeBytes / blockBytes, 1, StripeBlocksMax);
        _batch = int.Min((capacity + 1) / 2, BatchMax);
        _stripes = new SlabStripe[(int)BitOperations.RoundUpToPowerOf2((uint)int.Min(Environment.ProcessorCount, 64))];
        for (int i = 0; i < _stripes.Length; i++)
        {
            _stripes[i] = new SlabStripe(capacity);
        }
    }

    /// <summary>Whose class it is.</summary>
    public SlabStore Store { get; }

    /// <summary>Size of a block.</summary>
    public int BlockBytes { get; }

    private SlabStripe Stripe => _stripes[CoreId.CurrentHint.Value & (_stripes.Length - 1)];

    /// <summary>Takes a block.</summary>
    /// <exception cref="OutOfMemoryException">There is no managed memory for another slab.</exception>
    public SlabBlock Rent() => Stripe.Rent() ?? RentRefill();

    /// <summary>Takes a block back that nobody uses any more.</summary>
    public void Return(SlabBlock block)
    {
        if (!Stripe.TryReturn(block))
        {
            ReturnOverflow(block);
        }
    }

    /// <summary>Sends what lies in the stripes for long enough home, and collects runs of blocks whose pages can go back.</summary>
    /// <param name="now">The number of this pass.</param>
    /// <param name="age">For how many passes a block has to have lain.</param>
    /// <param name="pageBytes">Size of a page; 0 if the system takes no pages back.</param>
    /// <param name="runs">Receives the runs, which are to be ended by <see cref="EndDiscard"/>, also when this throws.</param>
    /// <exception cref="OutOfMemoryException">There is no managed memory for a longer list; what it has not received stays as it is.</exception>
    public void BeginDiscard(int now, int age, nuint pageBytes, List<SlabRun> runs)
    {
        var idle = default(SlabBatch);
        foreach (SlabStripe stripe in _stripes)
        {
            int taken;
            do
            {
                taken = stripe.TakeIdle(now, age, idle);
                PutHome(idle[..taken]);
            }
            while (taken == BatchMax);
        }

        if (pageBytes == 0)
        {
            return;
        }

        using (_lock.EnterScope())
        {
            foreach (Slab slab in _slabs)
            {
                slab.BeginDiscard(now, age, pageBytes, runs);
            }
        }
    }

    /// <summary>Makes the blocks of runs free again. Allocates nothing.</summary>
    public void EndDiscard(ReadOnlySpan<SlabRun> runs, bool discarded)
    {
        using (_lock.EnterScope())
        {
            foreach (SlabRun run in runs)
            {
                run.Slab.EndDiscard(run, discarded);
                _evictedBlocks += discarded ? run.Count : 0;
            }
        }
    }

    /// <summary>Leaves slabs to the garbage collector that nothing was rented of for long.</summary>
    /// <param name="now">The number of this pass.</param>
    /// <param name="age">For how many passes a slab has to have been empty.</param>
    /// <param name="whole">Whether slabs with memory behind them go too: the system takes no pages back.</param>
    /// <param name="dropped">Receives them.</param>
    /// <exception cref="OutOfMemoryException">There is no managed memory for a longer list; what it has not received stays here.</exception>
    public void DropSlabs(int now, int age, bool whole, List<Slab> dropped)
    {
        using (_lock.EnterScope())
        {
            for (int i = _slabs.Count - 1; i >= 0; i--)
            {
                Slab slab = _slabs[i];
                bool goes = whole ? slab.IsIdleAsAWhole(now, age) : slab.IsEmpty && slab.LastUse <= now - age;
                if (goes)
                {
                    dropped.Add(slab);
                    _evictedBlocks += slab.ResidentFreeCount;
                    _slabs.RemoveAt(i);
                }
            }
        }
    }

    /// <summary>Counts everything.</summary>
    public SlabClassCounts Count()
    {
        long rents = 0;
        long returns = 0;
        long idle = 0;
        foreach (SlabStripe stripe in _stripes)
        {
            (long rented, long returned, int lying) = stripe.Count();
            rents += rented;
            returns += returned;
            idle += lying;
        }

        using (_lock.EnterScope())
        {
            long blocks = 0;
            foreach (Slab slab in _slabs)
            {
                blocks += slab.Blocks.Length;
                idle += slab.ResidentFreeCount;
            }

            return new SlabClassCounts(BlockBytes, rents, returns, idle, blocks, _allocatedBlocks, _evictedBlocks);
        }
    }

    /// <summary>Whether any slab is left.</summary>
    public bool HasSlabs
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _slabs.Count != 0;
            }
        }
    }

    /// <summary>Counts every bitmap anew. At rest.</summary>
    public bool IsConsistent()
    {
        SlabClassCounts counts = Count();
        using (_lock.EnterScope())
        {
            return _slabs.All(slab => slab.IsConsistent()) && counts.Allocated - counts.Evicted == counts.Rents - counts.Returns + counts.IdleResident;
        }
    }

    /// <summary>Apart from the usual return, which has no room for a batch to clear.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnOverflow(SlabBlock block)
    {
        var overflow = default(SlabBatch);
        int moved = Stripe.Return(block, overflow);
        PutHome(overflow[..moved]);
    }

    private SlabBlock RentRefill()
    {
        Store.Passes.Arm();
        while (true)
        {
            var batch = default(SlabBatch);
            int taken = Take(batch);
            if (taken > 1)
            {
                int filled = Stripe.Fill(batch[1..taken]);
                if (filled < taken - 1)
                {
                    PutHome(batch[(filled + 1)..taken]);
                }
            }

            if (taken != 0)
            {
                return batch[0];
            }

            // One that another core keeps is better than one whose pages have to be faulted in.
            if (TakeOfOthers() is { } kept)
            {
                return kept;
            }

            if (TakeUntouched() is { } untouched)
            {
                return untouched;
            }

            // Two threads may both add one; both are used in time.
            Store.AddSlab(new Slab(this, BlockBytes, _blocksInSlab, Store.PageBytes), this);
        }
    }

    /// <summary>Makes room for one more slab, so that <see cref="Add"/> cannot fail.</summary>
    /// <exception cref="OutOfMemoryException">There is no managed memory for a longer list.</exception>
    public void Reserve()
    {
        using (_lock.EnterScope())
        {
            _slabs.EnsureCapacity(_slabs.Count + _reservedSlabs + 1);
            _reservedSlabs++;
        }
    }

    /// <summary>Gives a room up.</summary>
    public void Unreserve()
    {
        using (_lock.EnterScope())
        {
            _reservedSlabs--;
        }
    }

    /// <summary>Lists a slab in a room that was reserved.</summary>
    public void Add(Slab slab)
    {
        slab.LastUse = Store.PassNumber;
        using (_lock.EnterScope())
        {
            _reservedSlabs--;
            _slabs.Add(slab);
        }
    }

    /// <summary>A batch of blocks that have memory behind them; 0 when no slab has any.</summary>
    private int Take(Span<SlabBlock> batch)
    {
        int now = Store.PassNumber;
        int taken = 0;
        using (_lock.EnterScope())
        {
            foreach (Slab slab in _slabs)
            {
                while (slab.ResidentFreeCount != 0 && taken < _batch)
                {
                    SlabBlock block = slab.Take(residentOnly: true, out _);
                    block.IdleSince = now;
                    batch[taken++] = block;
                }
            }
        }

        return taken;
    }

    private SlabBlock? TakeOfOthers()
    {
        foreach (SlabStripe stripe in _stripes)
        {
            if (stripe.TryTake() is { } block)
            {
                return block;
            }
        }

        return null;
    }

    private SlabBlock? TakeUntouched()
    {
        int now = Store.PassNumber;
        using (_lock.EnterScope())
        {
            if (_slabs.Find(one => one.FreeCount != 0) is not { } slab)
            {
                return null;
            }

            // One that came home a moment ago may have memory behind it.
            SlabBlock block = slab.Take(residentOnly: false, out bool wasResident);
            slab.LastUse = now;
            _allocatedBlocks += wasResident ? 0 : 1;
            return block;
        }
    }

    private void PutHome(ReadOnlySpan<SlabBlock> blocks)
    {
        if (blocks.IsEmpty)
        {
            return;
        }

        int now = Store.PassNumber;
        using (_lock.EnterScope())
        {
            foreach (SlabBlock block in blocks)
            {
                block.Slab!.Put(block.Index);
                block.Slab.LastUse = now;
            }
        }
    }
}
