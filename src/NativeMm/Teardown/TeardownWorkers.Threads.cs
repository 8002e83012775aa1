using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <content>The threads.</content>
internal sealed partial class TeardownWorkers : ILoadContextTenant
{
    private const string ThreadName = "NativeMm teardown";

    private readonly AutoResetEvent _wake = new(initialState: false);
    private Spawner? _spawner;
    private int _leaving;

    /// <summary>Time without work after which a thread goes.</summary>
    internal TimeSpan IdleTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Starts a thread with a body; throws when there is none to be had. For tests.</summary>
    internal Action<ThreadStart> StartThread { get; init; } = static body =>
        new Thread(body, maxStackSize: 256 << 10) { IsBackground = true, Name = ThreadName, Priority = ThreadPriority.BelowNormal }.Start();

    /// <summary>Lets the threads go when they are through with their jobs. What is queued afterwards is done by whoever waits for it.</summary>
    public void Leave()
    {
        _lock.Enter();
        _closed = true;
        _lock.Exit();
        Atomic.StoreRelease(ref _leaving, 1);
        Signal();
    }

    /// <summary>Wakes a thread. The event may have been finalized with its owner: then there is no thread, which would refer to it.</summary>
    private void Signal()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            Invariant.Check(Threads == 0, "The event of teardown workers has gone before their threads.");
        }
    }

    private void Spawn()
    {
        _lock.Enter();
        bool spawn = IsWanted() && _idle == 0 && _threads < Width;
        _threads += spawn ? 1 : 0;
        _lock.Exit();
        if (spawn && !TryStart())
        {
            // Under the lock, as everybody changes it: a thread that goes at this moment counts as well.
            _lock.Enter();
            Invariant.Assert(_threads > 0, $"A thread of the teardown workers that did not come is one of {_threads}.");
            _threads--;
            _lock.Exit();
            Ledger.NoteWithoutWorker();
            WorkOnAll();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The work is done without the thread.")]
    private bool TryStart()
    {
        try
        {
            StartThread(RunThread);
            return true;
        }
        catch (Exception)
        {
            // No memory, or no thread, for it.
            return false;
        }
    }

    private void RunThread()
    {
        ThreadScheduling.LowerPriority();
        do
        {
            WorkOnAll();
        }
        while (TryAwaitWork());
    }

    private void WorkOnAll()
    {
        while (true)
        {
            _lock.Enter();
            TeardownJob? job = EnterFirst();
            bool more = job is not null && IsWanted();
            _lock.Exit();
            if (job is null)
            {
                return;
            }

            if (more)
            {
                Wake();
            }

            job.WorkInside(isWorker: true);
        }
    }

    /// <summary>Waits for work.</summary>
    /// <returns>False when the thread is one no more.</returns>
    private bool TryAwaitWork()
    {
        _lock.Enter();
        bool goes = Atomic.LoadAcquire(in _leaving) != 0 && !IsWanted();
        _threads -= goes ? 1 : 0;
        _idle += goes ? 0 : 1;
        _lock.Exit();
        if (goes)
        {
            // The next one, if there is one.
            Signal();
            return false;
        }

        bool woken = TryWait();
        _lock.Enter();
        Invariant.Assert(_idle > 0 && _threads >= _idle, $"{_idle} of {_threads} threads of the teardown workers wait.");
        _idle--;
        goes = !IsWanted() && (!woken || Atomic.LoadAcquire(in _leaving) != 0);
        _threads -= goes ? 1 : 0;
        _lock.Exit();
        if (goes && woken)
        {
            Signal();
        }

        return !goes;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private bool TryWait()
    {
        try
        {
            return _wake.WaitOne(IdleTime);
        }
        catch (Exception)
        {
            // A wait for which there is no managed memory.
            Thread.Yield();
            return true;
        }
    }

    /// <summary>Makes threads, or does the work itself where none can be made.</summary>
    private sealed class Spawner(TeardownWorkers workers) : BackgroundJob
    {
        protected override void Run() => workers.Spawn();
    }
}
