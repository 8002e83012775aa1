using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// A pattern of allocating and freeing. Every thread works on its own copy of the state unless the pattern is about threads.
/// An operation is one allocation and one free.
/// </summary>
internal abstract class HeapWorkload
{
    /// <summary>A small number of operations, a multiple of what any pattern needs.</summary>
    protected const int OperationsOfWarmUp = 500;

    /// <summary>Operations of a round are a multiple of this.</summary>
    public virtual int Granularity => 1;

    /// <summary>Operations of the first round; each next one doubles it until a round is long enough.</summary>
    public virtual int OperationsFirst => RoundTimer.OperationsFirst;

    /// <summary>Threads that perform one operation together.</summary>
    public virtual int ThreadsPerOperation => 1;

    /// <summary>Prepares a thread's state, on that thread.</summary>
    public abstract void SetUp(int thread);

    /// <summary>Performs a few operations through the code that <see cref="Run"/> uses, so that it gets compiled.</summary>
    public virtual void WarmUp(int thread) => Run(thread, OperationsOfWarmUp);

    /// <summary>Performs operations.</summary>
    /// <param name="thread">Number of the calling thread.</param>
    /// <param name="operations">How many, a multiple of <see cref="Granularity"/>.</param>
    public abstract void Run(int thread, int operations);
}
