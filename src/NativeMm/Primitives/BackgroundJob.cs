// Purpose      work that a thread asks for which must not wait and has no managed memory: it is done by one thread of the process. How it is asked for: JobStack.
//
// The framework's thread pool is no choice for what a free asks for: with managed memory full it fails to make the worker that it wants, on a thread
// of its own, and the process ends. The thread here is made along with the first job.

using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Primitives;

/// <summary>Work in the background that can be asked for without managed memory. Thread-safe.</summary>
internal abstract class BackgroundJob
{
    private static readonly JobStack s_jobs = new();
    private static SleepLock s_lock;
    private static Worker? s_worker;

    private readonly JobStack _jobs = s_jobs;

    /// <summary>Makes a job, and the thread if there is none. What is asked for while the system refuses the thread is done when it comes.</summary>
    protected BackgroundJob()
    {
        BackgroundThread.TryAgain();
        using (s_lock.EnterScope())
        {
            s_worker ??= new Worker();
        }
    }

    /// <summary>Makes a job for a stack of the caller's, who runs what is in it.</summary>
    internal BackgroundJob(JobStack jobs) => _jobs = jobs;

    /// <summary>Whether there is the thread that does the jobs: false while the system refuses it. Once true, always.</summary>
    public static bool HasThread => Atomic.LoadAcquire(ref s_worker!) is { HasThread: true };

    /// <summary>The job below it in the stack.</summary>
    internal BackgroundJob? Next { get; set; }

    /// <summary>1 while it waits.</summary>
    [SuppressMessage("Design", "CA1051:Do not declare visible instance fields", Justification = "A word for compare-exchange.")]
    internal int Asked;

    /// <summary>Has the job done soon. Many requests before it begins are one.</summary>
    public void Ask()
    {
        if (_jobs.TryPush(this) && ReferenceEquals(_jobs, s_jobs))
        {
            s_worker!.Wake();
        }
    }

    /// <summary>Does the work, on the thread of the jobs. What it throws is lost.</summary>
    protected abstract void Run();

    /// <summary>Does it, whatever it throws.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    internal void RunSafely()
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
                s_jobs.RunAll();
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
