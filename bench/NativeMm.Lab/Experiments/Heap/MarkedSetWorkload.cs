using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Every thread replaces any of its live blocks by one of another size: patterns pages and large.</summary>
/// <param name="threads">Number of threads.</param>
/// <param name="plan">How many blocks live, which is replaced next, and by what.</param>
internal sealed class MarkedSetWorkload<TAllocator, THandle>(int threads, MarkedSetPlan plan) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly MarkedSet<TAllocator, THandle>[] _sets = new MarkedSet<TAllocator, THandle>[threads];
    private readonly MarkedSet<TAllocator, THandle>[] _small = new MarkedSet<TAllocator, THandle>[threads];

    /// <inheritdoc/>
    public override int OperationsFirst => plan.OperationsFirst;

    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
        _sets[thread] = new MarkedSet<TAllocator, THandle>(thread, plan.Live, plan.Script(thread), MarkedSetPlan.Page);
        _small[thread] = new MarkedSet<TAllocator, THandle>(threads + thread, 1, [new Replacement(0, MarkedSetPlan.Page)], MarkedSetPlan.Page);
    }

    /// <summary>Small blocks go through the same code, without the time that the memory of large ones takes.</summary>
    public override void WarmUp(int thread) => _small[thread].Replace(OperationsOfWarmUp);

    /// <inheritdoc/>
    public override void Run(int thread, int operations) => _sets[thread].Replace(operations);
}
