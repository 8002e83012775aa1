// Purpose      trees that one thread grows and another fells, so that most blocks come home from elsewhere.
// States       each slot holds a tree, grown or empty; each thread holds one more.
// Transitions  a thread swaps the tree that it has grown for the one in a slot, with one exchange [S1]; from then on it owns what it got.
// Ordering     the exchange is a full fence and pairs with itself: whoever takes a tree sees all that was written before it was put there.
// Progress     wait-free.

using NativeMm.Lab.Peers;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Threads grow trees of mixed nodes, hand each to whoever comes by next, and fell what they got instead.</summary>
internal sealed class TreesWorkload<TAllocator, THandle>(int threads) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int SlotsPerThread = 2;

    private readonly AllocationTree<TAllocator, THandle>[] _slots =
        [.. Enumerable.Range(0, threads * SlotsPerThread).Select(_ => new AllocationTree<TAllocator, THandle>())];

    private readonly Grower[] _growers = new Grower[threads];

    /// <inheritdoc/>
    public override int Granularity => TreeOrder.Nodes;

    /// <inheritdoc/>
    public override void SetUp(int thread) => _growers[thread] = new Grower(thread);

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        Grower grower = _growers[thread];
        for (int done = 0; done < operations; done += TreeOrder.Nodes)
        {
            grower.Tree.Grow(grower.Sizes, ref grower.NextSize, ref grower.Marks);
            grower.Tree = Atomic.Exchange(ref _slots[grower.NextSlot], grower.Tree); // [S1] pairs with itself
            grower.NextSlot = (grower.NextSlot + 1) % _slots.Length;
            grower.Tree.Fell();
        }
    }

    private sealed class Grower(int thread)
    {
        public readonly int[] Sizes = ProgramSizes.Nodes(thread);
        public AllocationTree<TAllocator, THandle> Tree = new();
        public MarkSource Marks = new(thread);
        public int NextSlot = thread * SlotsPerThread;
        public int NextSize;
    }
}
