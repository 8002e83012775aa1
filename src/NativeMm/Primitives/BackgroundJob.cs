// Purpose      work that a thread asks for which must not wait and has no managed memory: it is done by one thread of the process.
// States       asked 0: nobody waits for it. 1: it is in the stack, or taken out of it and about to run.
// Transitions  0 → 1 CAS by whoever asks, who then puts it in; 1 → 0 release store by the thread, before the job runs: who asks later asks anew.
// Ownership    Next  | who asks, until the job is in; then the thread that took the whole stack out | plain
//              s_top | who asks: CAS; the thread: exchange by null
// Ordering     [J1] the CAS that puts a job in pairs with [J2], the exchange that takes the stack out: Next, and what the job works on, is seen. The
//              event is set after that, so that the thread looks once more after the last job.
// Reuse        jobs are objects of the runtime and taken out all at once: no other can have one's identity while a CAS compares it.
// Progress     asking is lock-free. A job that lasts delays the others.
//
// The framework's thread pool is no choice for what a free asks for: with managed memory full it fails to make the worker that it wants, on a thread
// of its own, and the process ends. The thread here is made along with the first job.

using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Primitives;

/// <summary>Work in the background that can be asked for without managed memory. Thread-safe.</summary>
internal abstract class BackgroundJob
{
    private static SleepLock s_lock;
    private static Worker? s_worker;
    private static BackgroundJob? s_top;

    private BackgroundJob? _next;
    private int _asked;

    /// <summary>Makes a job, and the thread if there is none. What is asked for while the system refuses the thread is done when it comes.</summary>
    protected BackgroundJob()
    {
        BackgroundThread.TryAgain();
        using (s_lock.EnterScope())
        {
            s_worker ??= new Worker();
        }
    }

    /// <summary>Whether there is the thread that does the jobs: false while the system refuses it. Once true, always.</summary>
    public static bool HasThread => Atomic.LoadAcquire(ref s_worker!) is { HasThread: true };

    /// <summary>Has the job done soon. Many requests before it begins are one.</summary>
    public void Ask()
    {
        if (!Atomic.CompareExchange(ref _asked, 0, 1))
        {
            return;
        }

        BackgroundJob? top;
        do
        {
            top = Atomic.LoadAcquire(ref s_top);
            _next = top;
        }
        while (!Atomic.CompareExchange(ref s_top, top, this)); // [J1] pairs with [J2]

        s_worker!.Wake();
    }

    /// <summary>Does the work, on the thread of the jobs. What it throws is lost.</summary>
    protected abstract void Run();

    private static void RunAll()
    {
        BackgroundJob? job = Atomic.Exchange(ref s_top, null); // [J2] pairs with [J1]
        while (job is not null)
        {
            BackgroundJob? next = job._next;
            job._next = null;
            Atomic.StoreRelease(ref job._asked, 0);
            Atomic.FullFence();
            job.RunSafely();
            job = next;
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private void RunSafely()
    {
        try
        {
            Run();
        }
        catch (Exception)
        {
            // Without managed memory not even the job's own handler may work.
        }
    }

    /// <summary>The thread. It ends when the load context of the library unloads; then nothing is done any more.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "It lives as long as the library; the event goes with it.")]
    private sealed class Worker : ILoadContextTenant
    {
        private readonly AutoResetEvent _wake = new(initialState: false);
        private readonly BackgroundThread _thread;
        private int _stop;

        public Worker()
        {
            _thread = new BackgroundThread("NativeMm jobs", ThreadPriority.BelowNormal, Work);
            LoadContextTenants.Add(this);
        }

        public bool HasThread => _thread.HasStarted;

        public void Wake() => _wake.Set();

        public void Leave()
        {
            Atomic.StoreRelease(ref _stop, 1);
            _thread.Forget();
            _wake.Set();
        }

        private void Work()
        {
            while (TryWait())
            {
                RunAll();
            }
        }

        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
        private bool TryWait()
        {
            try
            {
                _wake.WaitOne();
            }
            catch (Exception)
            {
                // A wait for which there is no managed memory. What was asked for is looked for, and then waited again.
                Thread.Yield();
            }

            return Atomic.LoadAcquire(ref _stop) == 0;
        }
    }
}
