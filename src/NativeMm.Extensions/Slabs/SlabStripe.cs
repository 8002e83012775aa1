using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>The blocks of one size that the threads of one core return and rent again, newest first, and what they counted.</summary>
/// <param name="capacity">Most blocks that it keeps.</param>
internal sealed class SlabStripe(int capacity)
{
    // With a gap behind them, as this has.
    private readonly SlabBlock?[] _blocks = new SlabBlock?[capacity + (CacheLine.Isolation / IntPtr.Size)];
    private SpinLock<NoLockStatistics> _lock;
    private int _count;
    private long _rents;
    private long _returns;

    // Behind all else, and to be seen by nobody: the next stripe belongs to another core.
#pragma warning disable CS0169, IDE0051 // It takes room, that is all.
    private readonly LineGap _gap;
#pragma warning restore CS0169, IDE0051

    /// <summary>Takes the newest block and counts a rent in any case; null if there is none.</summary>
    public SlabBlock? Rent()
    {
        SlabBlock? block = null;
        _lock.Enter();
        _rents++;
        if (_count != 0)
        {
            block = _blocks[--_count];
            _blocks[_count] = null;
        }

        _lock.Exit();
        return block;
    }

    /// <summary>Takes the newest block for another stripe, which counted the rent.</summary>
    public SlabBlock? TryTake()
    {
        SlabBlock? block = null;
        _lock.Enter();
        if (_count != 0)
        {
            block = _blocks[--_count];
            _blocks[_count] = null;
        }

        _lock.Exit();
        return block;
    }

    /// <summary>Keeps a block and counts its return, if there is room.</summary>
    public bool TryReturn(SlabBlock block)
    {
        _lock.Enter();
        SlabBlock?[] blocks = _blocks;
        int count = _count;
        bool fits = count < capacity && (uint)count < (uint)blocks.Length;
        if (fits)
        {
            blocks[count] = block;
            _count = count + 1;
            _returns++;
        }

        _lock.Exit();
        return fits;
    }

    /// <summary>Keeps a block and counts a return in any case.</summary>
    /// <param name="block">The block.</param>
    /// <param name="overflow">Receives the older half of what lay here, or as much of it as there is room for.</param>
    /// <returns>How many it received.</returns>
    public int Return(SlabBlock block, Span<SlabBlock> overflow)
    {
        int moved = 0;
        _lock.Enter();
        _returns++;
        if (_count == capacity)
        {
            moved = TakeOldest(int.Min((capacity + 1) / 2, overflow.Length), overflow);
        }

        _blocks[_count++] = block;
        _lock.Exit();
        return moved;
    }

    /// <summary>Adds blocks beneath what lies here; gives the number that found room.</summary>
    public int Fill(ReadOnlySpan<SlabBlock> blocks)
    {
        _lock.Enter();
        int kept = int.Min(blocks.Length, capacity - _count);
        Array.Copy(_blocks, 0, _blocks, kept, _count);
        for (int i = 0; i < kept; i++)
        {
            _blocks[i] = blocks[i];
        }

        _count += kept;
        _lock.Exit();
        return kept;
    }

    /// <summary>Takes the blocks out that have lain for long enough, as many as there is room for.</summary>
    public int TakeIdle(int now, int age, Span<SlabBlock> idle)
    {
        _lock.Enter();

        // Not sorted strictly: a batch from the slabs lies beneath. It came because the stripe was empty, and is used next.
        int count = 0;
        while (count < int.Min(_count, idle.Length) && _blocks[count]!.IdleSince <= now - age)
        {
            count++;
        }

        int taken = TakeOldest(count, idle);
        _lock.Exit();
        return taken;
    }

    /// <summary>Rents and returns so far, and the blocks that lie here. Of one moment.</summary>
    public (long Rents, long Returns, int Idle) Count()
    {
        _lock.Enter();
        (long, long, int) counted = (_rents, _returns, _count);
        _lock.Exit();
        return counted;
    }

    private int TakeOldest(int count, Span<SlabBlock> taken)
    {
        for (int i = 0; i < count; i++)
        {
            taken[i] = _blocks[i]!;
        }

        Array.Copy(_blocks, count, _blocks, 0, _count - count);
        Array.Clear(_blocks, _count - count, count);
        _count -= count;
        return count;
    }
}
