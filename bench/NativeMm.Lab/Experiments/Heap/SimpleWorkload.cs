using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Short-lived blocks of mixed sizes, as a program without a plan has them: pairs that lie inside one another or overlap.</summary>
internal sealed class SimpleWorkload<TAllocator, THandle>(int threads) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int PairsTogether = 4;

    private readonly int[][] _sizes = [.. Enumerable.Range(0, threads).Select(ReplacementTables.MixedSizes)];
    private readonly MarkSource[] _marks = [.. Enumerable.Range(0, threads).Select(t => new MarkSource(t))];

    /// <inheritdoc/>
    public override int Granularity => PairsTogether;

    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
    }

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        int[] sizes = _sizes[thread];
        MarkSource marks = _marks[thread];
        int next = 0;
        for (int done = 0; done < operations; done += PairsTogether)
        {
            MarkedBlock<TAllocator, THandle> outer = MarkedBlock<TAllocator, THandle>.Alloc(sizes[next], marks.Next());
            MarkedBlock<TAllocator, THandle> inner = MarkedBlock<TAllocator, THandle>.Alloc(sizes[next + 1], marks.Next());
            inner.Free();
            MarkedBlock<TAllocator, THandle> longer = MarkedBlock<TAllocator, THandle>.Alloc(sizes[next + 2], marks.Next());
            outer.Free();
            MarkedBlock<TAllocator, THandle> last = MarkedBlock<TAllocator, THandle>.Alloc(sizes[next + 3], marks.Next());
            longer.Free();
            last.Free();
            next = (next + PairsTogether) % ReplacementTables.Length;
        }

        _marks[thread] = marks;
    }
}
