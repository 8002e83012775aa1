using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Allocate, write, free at once.</summary>
internal sealed class PairWorkload<TAllocator, THandle>(nuint size) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
    }

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        nuint bytes = size;
        for (int i = 0; i < operations; i++)
        {
            THandle block = TAllocator.Alloc(bytes);
            block.Touch(0);
            block.Touch(bytes - 1);
            TAllocator.Free(block);
        }
    }
}
