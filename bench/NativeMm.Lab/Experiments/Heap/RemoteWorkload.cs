using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Threads in pairs: one allocates and writes, the other frees.</summary>
internal sealed class RemoteWorkload<TAllocator, THandle>(int threads, nuint size, AbortSignal abort) : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly RemoteRing<THandle>[] _rings = [.. Enumerable.Range(0, threads / 2).Select(_ => new RemoteRing<THandle>(abort))];

    /// <inheritdoc/>
    public override int ThreadsPerOperation => 2;

    /// <inheritdoc/>
    public override void SetUp(int thread)
    {
    }

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        RemoteRing<THandle> ring = _rings[thread / 2];
        if (thread % 2 == 0)
        {
            Produce(ring, operations);
        }
        else
        {
            Consume(ring, operations);
        }
    }

    private void Produce(RemoteRing<THandle> ring, int operations)
    {
        nuint bytes = size;
        for (int i = 0; i < operations; i++)
        {
            THandle block = TAllocator.Alloc(bytes);
            block.Touch(0);
            block.Touch(bytes - 1);
            ring.Push(block);
        }

        ring.Flush();
    }

    private static void Consume(RemoteRing<THandle> ring, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            TAllocator.Free(ring.Pop());
        }
    }
}
