// Purpose      a thread for work in the background that the system may refuse for the time being: a process may have no more (ulimit -u, pids.max of a
//              container), or there is no address space for a stack. Memory is allocated and freed all the same.
// States       started: thread is set, for ever. Refused: in the list, it is tried again. Forgotten: neither, it is never started.
// Ownership    field             | who writes              | who reads            | how     | guard
//              thread            | whoever starts          | everybody            | acquire | s_lock
//              next, refused     | whoever starts, forgets | the same; whether there is one: everybody | acquire | s_lock
//              watched           | ctor, finalizer         | the same             | CAS     | none
// Ordering     whoever puts a thread into the list looks at watched behind a full fence, and the finalizer that takes its watch off looks at the list behind one: one of
//              the two sees the other, so a list is left with nobody only where there is no managed memory for who would try again.
// Progress     a garbage collection tries again, once a second at most, and so does whoever starts another thread or trims. The finalizer waits for nobody: it leaves out what
//              somebody else is at.

using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Primitives;

/// <summary>A thread in the background that is tried again when the system refuses it. Thread-safe.</summary>
internal sealed class BackgroundThread
{
    // Fits every pass of the library.
    private const int StackBytes = 256 << 10;

    private static SleepLock s_lock;
    private static BackgroundThread? s_refused;

    private readonly string _name;
    private readonly ThreadPriority _priority;
    private readonly Action _body;
    private readonly Action<Thread> _start;
    private BackgroundThread? _next;
    private Thread? _thread;

    /// <summary>Starts it, or has it tried again when there is none to be had at this moment.</summary>
    /// <param name="name">Name of the thread.</param>
    /// <param name="priority">Its priority.</param>
    /// <param name="body">What it does.</param>
    /// <param name="start">Starts a thread or throws; null for the system's. For tests.</param>
    public BackgroundThread(string name, ThreadPriority priority, Action body, Action<Thread>? start = null)
    {
        (_name, _priority, _body, _start) = (name, priority, body, start ?? (static thread => thread.Start()));
        using (s_lock.EnterScope())
        {
            StartRefused();
            if (!TryStart())
            {
                _next = s_refused;
                Atomic.Exchange(ref s_refused!, this);
                Again.Watch();
            }
        }
    }

    /// <summary>Whether there is a thread, or was one.</summary>
    public bool HasStarted => Atomic.LoadAcquire(ref _thread!) is not null;

    /// <summary>Whether there is a thread that did not end yet.</summary>
    public bool IsRunning => Atomic.LoadAcquire(ref _thread!) is { IsAlive: true };

    /// <summary>What there is to say of a thread that was refused; null when it was not.</summary>
    public string? Refusal => HasStarted ? null
        : $"The system refused the thread '{_name}': the process may have no more of them (ulimit -u, pids.max of a container), or no address space is left for its stack (ulimit -v). It is tried again.";

    /// <summary>Tries again to start what was refused. Costs nothing when nothing was.</summary>
    public static void TryAgain()
    {
        if (Atomic.LoadAcquire(ref s_refused!) is not null && !s_lock.IsHeldByCurrentThread && s_lock.TryEnter())
        {
            try
            {
                StartRefused();
            }
            finally
            {
                s_lock.Exit();
            }
        }
    }

    /// <summary>It is not wanted any more: a thread that was refused is not tried again. Allocates nothing.</summary>
    public void Forget()
    {
        if (HasStarted)
        {
            return;
        }

        using (s_lock.EnterScope())
        {
            Unlink();
        }
    }

    /// <summary>Forgets it, and waits for the end of a thread that there is, unless the caller is that thread.</summary>
    public void Await()
    {
        Forget();
        if (Atomic.LoadAcquire(ref _thread!) is { } thread && Thread.CurrentThread != thread)
        {
            ThreadEnd.Await(thread);
        }
    }

    // The caller has the lock.
    private static void StartRefused()
    {
        while (s_refused is { } first && first.TryStart())
        {
            first.Unlink();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The program goes on without the thread.")]
    private bool TryStart()
    {
        try
        {
            // One that was refused cannot be started a second time.
            var thread = new Thread(_body.Invoke, StackBytes) { IsBackground = true, Name = _name, Priority = _priority };
            _start(thread);
            Atomic.StoreRelease(ref _thread!, thread);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private void Unlink()
    {
        BackgroundThread? before = null;
        BackgroundThread? at = s_refused;
        while (at is not null && at != this)
        {
            (before, at) = (at, at._next);
        }

        if (at is null)
        {
            return;
        }

        if (before is null)
        {
            Atomic.StoreRelease(ref s_refused!, _next!);
        }
        else
        {
            before._next = _next;
        }

        _next = null;
    }

    /// <summary>Found unreachable by each garbage collection, for as long as something is refused.</summary>
    private sealed class Again
    {
        // An attempt takes managed memory: where that is full it is a collection itself, and the next attempt would follow at once.
        private const long Interval = 1000;

        private static int s_isThere;

        // Only the finalizing thread uses it.
        private static long s_triedAt;

        private Again()
        {
        }

        ~Again()
        {
            long now = Environment.TickCount64;
            if (now - s_triedAt >= Interval)
            {
                s_triedAt = now;
                TryAgainSafely();
            }

            // The list is looked at once more behind the word: who puts something in looks at the word behind the list.
            if (Atomic.LoadAcquire(ref s_refused!) is not null || !TryGo())
            {
                Renew();
            }
        }

        /// <summary>Makes it, if there is none.</summary>
        public static void Watch()
        {
            // What was put into the list comes before the look at the word: a compare-exchange that fails is no fence on arm64.
            Atomic.FullFence();
            if (Atomic.CompareExchange(ref s_isThere, 0, 1) && !TryMake())
            {
                // The next thread that is refused, or wanted, tries instead.
                Atomic.StoreRelease(ref s_isThere, 0);
            }
        }

        private static bool TryMake()
        {
            try
            {
                _ = new Again();
                return true;
            }
            catch (OutOfMemoryException)
            {
                return false;
            }
        }

        [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A finalizer must not end the process; it comes again.")]
        private static void TryAgainSafely()
        {
            try
            {
                TryAgain();
            }
            catch (Exception)
            {
                // No managed memory.
            }
        }

        /// <summary>The next one is young again, so that the next collection finds it and not only the next full one.</summary>
        private void Renew()
        {
            if (TryMake())
            {
                return;
            }

            try
            {
                GC.ReRegisterForFinalize(this);
            }
            catch (OutOfMemoryException)
            {
                // The next thread that is refused makes another one.
                Atomic.StoreRelease(ref s_isThere, 0);
            }
        }

        private static bool TryGo()
        {
            Atomic.StoreRelease(ref s_isThere, 0);
            Atomic.FullFence();
            return Atomic.LoadAcquire(ref s_refused!) is null || !Atomic.CompareExchange(ref s_isThere, 0, 1);
        }
    }
}
