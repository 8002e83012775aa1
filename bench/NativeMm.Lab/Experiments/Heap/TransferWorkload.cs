// Purpose      single blocks that wander from thread to thread while each thread replaces its own at random.
// States       each shared slot holds a cell, each thread's set a thousand; a cell always holds a block.
// Transitions  a thread swaps a cell of its set for the one in a shared slot, with one exchange [S1]; from then on it owns what it got.
// Ordering     the exchange is a full fence and pairs with itself: whoever takes a cell sees the block in it and what was written to the block.
// Progress     wait-free.

using NativeMm.Lab.Peers;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Threads that each replace any of a thousand blocks of mixed sizes and swap every fourth new one for a stranger's.</summary>
internal sealed class TransferWorkload<TAllocator, THandle>(int threads) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    /// <summary>Shared slots for each thread.</summary>
    public const int SlotsPerThread = 64;

    private const int SwapEvery = 4;

    private readonly Cell[] _slots = new Cell[threads * SlotsPerThread];
    private readonly Trader[] _traders = new Trader[threads];

    /// <inheritdoc/>
    public override int Granularity => SwapEvery;

    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
        var trader = new Trader(thread);
        _traders[thread] = trader;
        for (int i = 0; i < SlotsPerThread; i++)
        {
            _slots[(thread * SlotsPerThread) + i] = new Cell(trader.Alloc());
        }
    }

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        Trader trader = _traders[thread];
        for (int done = 0; done < operations; done += SwapEvery)
        {
            ref Cell last = ref trader.Replace();
            for (int i = 1; i < SwapEvery; i++)
            {
                last = ref trader.Replace();
            }

            last = Atomic.Exchange(ref _slots[trader.NextSlot], last); // [S1] pairs with itself
            trader.NextSlot = (trader.NextSlot + 1) % _slots.Length;
        }
    }

    private sealed class Cell(MarkedBlock<TAllocator, THandle> block)
    {
        public MarkedBlock<TAllocator, THandle> Block = block;
    }

    private sealed class Trader
    {
        private readonly int[] _sizes;
        private readonly ushort[] _order;
        private readonly Cell[] _cells;
        private MarkSource _marks;
        private int _next;

        public int NextSlot;

        public Trader(int thread)
        {
            _sizes = ProgramSizes.Objects(thread);
            _order = ReplacementTables.AnyOrder(thread);
            _marks = new MarkSource(thread);
            NextSlot = thread * SlotsPerThread;
            _cells = [.. Enumerable.Range(0, ReplacementTables.Live).Select(_ => new Cell(Alloc()))];
        }

        public MarkedBlock<TAllocator, THandle> Alloc()
        {
            _next = _next + 1 < _sizes.Length ? _next + 1 : 0;
            return MarkedBlock<TAllocator, THandle>.Alloc(_sizes[_next], _marks.Next());
        }

        /// <summary>Frees a block, allocates another, and gives the place of its cell.</summary>
        public ref Cell Replace()
        {
            ref Cell cell = ref _cells[_order[_next]];
            cell.Block.Free();
            cell.Block = Alloc();
            return ref cell;
        }
    }
}
