using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// Threads that hand their live blocks to a successor and die, after Larson and Krishnan. A generation replaces blocks in random order;
/// the next one frees what it never allocated. Starting and ending the threads is part of the time.
/// </summary>
internal sealed class ChurnWorkload<TAllocator, THandle>(int threads, int size, bool pin) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int OperationsPerGeneration = 50_000;

    private readonly LiveSet<TAllocator, THandle>[] _sets = new LiveSet<TAllocator, THandle>[threads];

    /// <inheritdoc/>
    public override int Granularity => OperationsPerGeneration;

    /// <inheritdoc/>
    public override void SetUp(int thread) =>
        _sets[thread] = new LiveSet<TAllocator, THandle>(ReplacementTables.AnyOrder(thread), ReplacementTables.OneSize(size));

    /// <inheritdoc/>
    public override void WarmUp(int thread) => _sets[thread].Replace(OperationsOfWarmUp);

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        for (int done = 0; done < operations; done += OperationsPerGeneration)
        {
            Generation.Run(() => _sets[thread].Replace(OperationsPerGeneration), pin ? thread : -1);
        }
    }
}
