using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>A thousand live blocks; one of them after the other is freed and replaced. Which one and by what size says a table.</summary>
/// <param name="order">For a thread, the places to replace in turn.</param>
/// <param name="sizes">For a thread, the sizes to replace them with in turn; as many as a power of two.</param>
/// <param name="threads">Number of threads.</param>
internal sealed class ReplacementWorkload<TAllocator, THandle>(int threads, Func<int, ushort[]> order, Func<int, int[]> sizes) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly LiveSet<TAllocator, THandle>[] _sets = new LiveSet<TAllocator, THandle>[threads];

    /// <inheritdoc/>
    public override void SetUp(int thread) => _sets[thread] = new LiveSet<TAllocator, THandle>(order(thread), sizes(thread));

    /// <inheritdoc/>
    public override void Run(int thread, int operations) => _sets[thread].Replace(operations);
}
