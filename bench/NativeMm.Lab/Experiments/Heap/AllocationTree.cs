using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// A complete binary tree of blocks: allocated as a parser would, each node before its children, and freed as a destructor would, each after
/// them. One thread at a time; whoever fells it need not have grown it. The links lie beside the blocks, because a managed array cannot be linked.
/// </summary>
internal sealed class AllocationTree<TAllocator, THandle>
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly MarkedBlock<TAllocator, THandle>[] _nodes = new MarkedBlock<TAllocator, THandle>[TreeOrder.Nodes];

    /// <summary>Allocates all nodes; there must be none.</summary>
    /// <param name="sizes">A table of sizes.</param>
    /// <param name="next">Where to go on in it.</param>
    /// <param name="marks">Marks for the nodes.</param>
    public void Grow(int[] sizes, ref int next, ref MarkSource marks)
    {
        foreach (ushort node in TreeOrder.ParentsFirst)
        {
            _nodes[node] = MarkedBlock<TAllocator, THandle>.Alloc(sizes[next], marks.Next());
            next = next + 1 < sizes.Length ? next + 1 : 0;
        }
    }

    /// <summary>Frees all nodes, if there are any.</summary>
    public void Fell()
    {
        if (!_nodes[0].Exists)
        {
            return;
        }

        foreach (ushort node in TreeOrder.ChildrenFirst)
        {
            _nodes[node].Free();
        }
    }
}
