// Purpose      jobs that somebody asked for, without managed memory, until the thread that does them takes them out.
// States       Asked of a job 0: nobody waits for it. 1: it is in the stack, or taken out of it and about to run.
// Transitions  0 → 1 CAS by whoever asks, who then puts it in; 1 → 0 release store by the thread, before the job runs: who asks later asks anew.
// Ownership    Next  | who asks, until the job is in; then the thread that took the whole stack out | plain
//              _top  | who asks: CAS; the thread: CAS of what it saw by null
// Ordering     [J1] the CAS that puts a job in pairs with [J2], the one that takes the stack out: Next, and what the job works on, is seen. The thread
//              is woken after that, so that it looks once more after the last job. Who finds the job asked for already has stored what it is
//              to see before the fence [J3], and the thread looks after [J4], behind its 0 [J5]: it sees that, or the 0 was there to be found. A
//              compare-exchange that fails is no such fence on arm64.
// Reuse        jobs are objects of the runtime and taken out all at once: no other can have one's identity while a CAS compares it.
// Progress     asking is lock-free. A job that lasts delays the others.

namespace NativeMm.Primitives;

/// <summary>Jobs that were asked for. Anybody asks, one thread at a time runs them.</summary>
internal sealed class JobStack
{
    private BackgroundJob? _top;

    /// <summary>Puts a job in that is not waiting yet.</summary>
    /// <returns>Whether it was put in: then the thread that runs them is to be woken.</returns>
    public bool TryPush(BackgroundJob job)
    {
        Atomic.FullFence(); // [J3] pairs with [J4]
        if (!Atomic.CompareExchange(ref job.Asked, 0, 1))
        {
            return false;
        }

        BackgroundJob? top;
        do
        {
            top = Atomic.LoadAcquire(ref _top);
            job.Next = top;
        }
        while (!Atomic.CompareExchange(ref _top, top, job)); // [J1] pairs with [J2]

        return true;
    }

    /// <summary>Takes all jobs out and runs them, the last one first.</summary>
    public void RunAll()
    {
        BackgroundJob? job;
        do
        {
            job = Atomic.LoadAcquire(ref _top);
        }
        while (job is not null && !Atomic.CompareExchange(ref _top, job, null)); // [J2] pairs with [J1]

        while (job is not null)
        {
            BackgroundJob? next = job.Next;
            job.Next = null;
            Atomic.StoreRelease(ref job.Asked, 0); // [J5]
            Atomic.FullFence(); // [J4] pairs with [J3]
            job.RunSafely();
            job = next;
        }
    }
}
