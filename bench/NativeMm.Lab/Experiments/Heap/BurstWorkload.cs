using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Many large blocks at a time, none of which is as large as another: all are allocated and written, then all are freed, in any order. Pattern burst.</summary>
/// <param name="threads">Number of threads.</param>
internal sealed class BurstWorkload<TAllocator, THandle>(int threads) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int Blocks = 100;
    private const int Seed = 0x6275;
    private const int BytesMin = 2 << 20;
    private const int BytesMax = 16 << 20;

    private readonly MarkedBlock<TAllocator, THandle>[][] _blocks = new MarkedBlock<TAllocator, THandle>[threads][];
    private readonly int[][] _sizes = new int[threads][];
    private readonly ushort[][] _orders = new ushort[threads][];
    private readonly MarkSource[] _marks = new MarkSource[threads];

    /// <inheritdoc/>
    public override int Granularity => Blocks;

    /// <inheritdoc/>
    public override int OperationsFirst => Blocks;

    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
        var random = new Random(Seed + thread);
        _blocks[thread] = new MarkedBlock<TAllocator, THandle>[Blocks];
        _sizes[thread] = [.. Enumerable.Range(0, Blocks).Select(_ => LargeSizes.Draw(random, BytesMin, BytesMax))];
        _orders[thread] = [.. Enumerable.Range(0, Blocks).Select(place => (ushort)place)];
        random.Shuffle(_orders[thread]);
        _marks[thread] = new MarkSource(thread);
    }

    /// <summary>Small blocks go through the same code, without the time that the memory of large ones takes.</summary>
    public override void WarmUp(int thread)
    {
        int[] small = [.. Enumerable.Repeat(2 * MarkedSetPlan.Page, Blocks)];
        for (int i = 0; i < OperationsOfWarmUp; i += Blocks)
        {
            Burst(thread, small);
        }
    }

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        for (int i = 0; i < operations; i += Blocks)
        {
            Burst(thread, _sizes[thread]);
        }
    }

    private void Burst(int thread, int[] sizes)
    {
        MarkedBlock<TAllocator, THandle>[] blocks = _blocks[thread];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = MarkedBlock<TAllocator, THandle>.Alloc(sizes[i], _marks[thread].Next());
            blocks[i].TouchEvery(MarkedSetPlan.Page);
        }

        foreach (ushort place in _orders[thread])
        {
            blocks[place].Free();
        }
    }
}
