using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Allocate a hundred, free them last first.</summary>
internal sealed class BatchWorkload<TAllocator, THandle>(int threads, nuint size) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int Batch = 100;

    private readonly THandle[][] _blocks = new THandle[threads][];

    /// <inheritdoc/>
    public override int Granularity => Batch;

    /// <inheritdoc/>
    public override void SetUp(int thread) => _blocks[thread] = new THandle[Batch];

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        THandle[] blocks = _blocks[thread];
        nuint bytes = size;
        for (int done = 0; done < operations; done += Batch)
        {
            for (int i = 0; i < blocks.Length; i++)
            {
                THandle block = TAllocator.Alloc(bytes);
                block.Touch(0);
                block.Touch(bytes - 1);
                blocks[i] = block;
            }

            for (int i = blocks.Length - 1; i >= 0; i--)
            {
                TAllocator.Free(blocks[i]);
            }
        }
    }
}
