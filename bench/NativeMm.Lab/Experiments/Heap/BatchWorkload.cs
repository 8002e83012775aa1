using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Allocate as many blocks as the order has places, then free them all in that order.</summary>
/// <param name="threads">Number of threads.</param>
/// <param name="size">Bytes of a block.</param>
/// <param name="order">For a thread, a permutation of the places: which block is freed first, second, and so on.</param>
internal sealed class BatchWorkload<TAllocator, THandle>(int threads, nuint size, Func<int, ushort[]> order) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly THandle[][] _blocks = new THandle[threads][];
    private readonly ushort[][] _orders = [.. Enumerable.Range(0, threads).Select(order)];

    /// <inheritdoc/>
    public override int Granularity => _orders[0].Length;

    /// <inheritdoc/>
    public override void SetUp(int thread) => _blocks[thread] = new THandle[_orders[thread].Length];

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        THandle[] blocks = _blocks[thread];
        ushort[] order = _orders[thread];
        nuint bytes = size;
        for (int done = 0; done < operations; done += blocks.Length)
        {
            for (int i = 0; i < blocks.Length; i++)
            {
                THandle block = TAllocator.Alloc(bytes);
                block.Touch(0);
                block.Touch(bytes - 1);
                blocks[i] = block;
            }

            foreach (ushort place in order)
            {
                TAllocator.Free(blocks[place]);
            }
        }
    }
}
