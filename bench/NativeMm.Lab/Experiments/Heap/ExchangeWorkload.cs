using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>
/// Half of the threads allocate and mark blocks of mixed sizes, the other half checks and frees them. Any consumer may take any producer's batch, so
/// that a thread that has no core delays nobody else.
/// </summary>
internal sealed class ExchangeWorkload<TAllocator, THandle> : HeapWorkload
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private const int Batch = 64;
    private const int BatchesPerThread = 8;

    private readonly AbortSignal _abort;
    private readonly BatchSlots<MarkedBlock<TAllocator, THandle>[]> _full;
    private readonly BatchSlots<MarkedBlock<TAllocator, THandle>[]> _empty;
    private readonly Side[] _sides;

    public ExchangeWorkload(int threads, AbortSignal abort)
    {
        int batches = threads * BatchesPerThread;
        _abort = abort;
        _full = new BatchSlots<MarkedBlock<TAllocator, THandle>[]>(batches);
        _empty = new BatchSlots<MarkedBlock<TAllocator, THandle>[]>(batches);
        _sides = new Side[threads];
        int from = 0;
        for (int i = 0; i < batches; i++)
        {
            _empty.TryPut(new MarkedBlock<TAllocator, THandle>[Batch], ref from);
        }
    }

    /// <inheritdoc/>
    public override int Granularity => Batch;

    /// <inheritdoc/>
    public override int ThreadsPerOperation => 2;

    /// <inheritdoc/>
    public override void SetUp(int thread) => _sides[thread] = new Side(thread);

    /// <inheritdoc/>
    public override void Run(int thread, int operations)
    {
        Side side = _sides[thread];
        for (int done = 0; done < operations; done += Batch)
        {
            if (thread % 2 == 0)
            {
                MarkedBlock<TAllocator, THandle>[] batch = Take(_empty, side);
                side.Fill(batch);
                Put(_full, batch, side);
            }
            else
            {
                MarkedBlock<TAllocator, THandle>[] batch = Take(_full, side);
                FreeAll(batch);
                Put(_empty, batch, side);
            }
        }
    }

    private static void FreeAll(MarkedBlock<TAllocator, THandle>[] batch)
    {
        foreach (ref MarkedBlock<TAllocator, THandle> block in batch.AsSpan())
        {
            block.Free();
        }
    }

    private MarkedBlock<TAllocator, THandle>[] Take(BatchSlots<MarkedBlock<TAllocator, THandle>[]> from, Side side)
    {
        MarkedBlock<TAllocator, THandle>[]? batch;
        while ((batch = from.TryTake(ref side.Slot)) is null)
        {
            LetOthersRun();
        }

        return batch;
    }

    // There are as many slots as batches, so this waits only while others are about to put theirs where it looked.
    private void Put(BatchSlots<MarkedBlock<TAllocator, THandle>[]> to, MarkedBlock<TAllocator, THandle>[] batch, Side side)
    {
        while (!to.TryPut(batch, ref side.Slot))
        {
            LetOthersRun();
        }
    }

    private void LetOthersRun()
    {
        _abort.ThrowIfRaised();
        Thread.Yield();
    }

    private sealed class Side(int thread)
    {
        private readonly int[] _sizes = ProgramSizes.Messages(thread);
        private MarkSource _marks = new(thread);
        private int _next;

        public int Slot = thread;

        public void Fill(MarkedBlock<TAllocator, THandle>[] batch)
        {
            foreach (ref MarkedBlock<TAllocator, THandle> block in batch.AsSpan())
            {
                block = MarkedBlock<TAllocator, THandle>.Alloc(_sizes[_next], _marks.Next());
                _next = _next + 1 < _sizes.Length ? _next + 1 : 0;
            }
        }
    }
}
