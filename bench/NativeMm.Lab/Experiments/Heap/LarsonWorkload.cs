using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// A server after Larson and Krishnan: each thread replaces any of a thousand blocks of 16 to 1000 bytes, then hands them to a successor and dies.
/// As pattern churn, with mixed sizes and shorter lives. Starting and ending the threads is part of the time.
/// </summary>
internal sealed class LarsonWorkload<TAllocator, THandle>(int threads, bool pin) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int OperationsPerGeneration = 20_000;

    private readonly MarkedSet<TAllocator, THandle>[] _sets = new MarkedSet<TAllocator, THandle>[threads];

    /// <inheritdoc/>
    public override int Granularity => OperationsPerGeneration;

    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
        Replacement[] script = [.. ReplacementTables.AnyOrder(thread).Zip(ProgramSizes.Even(thread), (place, bytes) => new Replacement(place, bytes))];
        _sets[thread] = new MarkedSet<TAllocator, THandle>(thread, ReplacementTables.Live, script);
    }

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
