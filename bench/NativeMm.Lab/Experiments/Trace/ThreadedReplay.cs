// Purpose      performs a trace on as many threads as recorded it; what one thread allocates another may reallocate or free.
// States       _stages[object]: how many records of the object have been performed in this round.
// Transitions  n → n + 1 by the thread whose record is number n of the object, after it has performed it; plain increments cannot collide
//              because only one record of all threads carries that number.
// Ordering     the release store [T1] publishes the object's slot together with its stage; the acquire read [T2] of the thread that
//              performs the next record sees both.
// Progress     blocking. A record waits only for records that were recorded earlier, so there is no cycle, whatever the scheduler does.

using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>Performs each thread's records in their order; a record waits until its object has come as far as it was when recorded.</summary>
internal sealed class ThreadedReplay<TAllocator, THandle>(ThreadedTrace trace, AbortSignal abort)
    where TAllocator : struct, IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    private readonly int[] _stages = new int[trace.ObjectCount];
    private readonly THandle[] _slots = new THandle[trace.ObjectCount];

    /// <summary>Makes ready for a round: frees what the last one left and forgets its stages. To be called at rest.</summary>
    public void Reset()
    {
        TraceReplay.FreeRest<TAllocator, THandle>(_slots);
        Array.Clear(_stages);
    }

    /// <summary>Performs the records of one thread.</summary>
    /// <param name="thread">The thread's number in the trace.</param>
    public void Run(int thread)
    {
        TraceRecord[] records = trace.Records[thread];
        int[] stages = trace.Stages[thread];
        for (int i = 0; i < records.Length; i++)
        {
            ref readonly TraceRecord record = ref records[i];
            ref int stage = ref _stages[record.Object];
            if (Atomic.LoadAcquire(ref stage) != stages[i]) // [T2] pairs with [T1]
            {
                WaitFor(ref stage, stages[i]);
            }

            TraceReplay.Perform<TAllocator, THandle>(in record, ref _slots[record.Object]);
            Atomic.StoreRelease(ref stage, stages[i] + 1); // [T1] pairs with [T2]
        }
    }

    private void WaitFor(ref int stage, int wanted)
    {
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref stage) != wanted) // [T2] pairs with [T1]
        {
            abort.ThrowIfRaised();
            backoff.Wait();
        }
    }
}
