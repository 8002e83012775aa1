// Purpose      one background thread that purges when it is asked to, and makes the passes of idle time of an allocator of its own.
// Ownership    field          | who writes          | who reads  | how
//              asked          | who asks, the thread | the same  | exchange; many requests before a purge begins are one. A fence on both sides, as in
//                             |                      |           | JobStack: who finds it asked has freed what that purge sees
//              stop           | Dispose             | the thread | plain, before the event is set
//              failures, text | the thread          | statistics | release, acquire; the text first, so that a count has its text
// Progress     a purge or a pass that throws is counted and written down, and the next one comes: work in the background must not end a process.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// One background thread that purges when it is asked to, and gives back by and by what an allocator keeps that is not used. It holds the allocator
/// weakly, so that one which nobody references any more can go, and ends with it.
/// </summary>
internal sealed class PurgeWorker : IDisposable, ILoadContextTenant
{
    /// <summary>Time without a request after which the worker of an allocator of its own makes a pass of idle time.</summary>
    public static readonly TimeSpan IdleInterval = TimeSpan.FromSeconds(10);

    private const string ThreadName = "NativeMm purger";

    private readonly bool _trims;
    private readonly TimeSpan _interval;
    private readonly WeakReference<VmapAllocator> _allocator;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly BackgroundThread _thread;
    private readonly FailureLog _failures = new(ThreadName);
    private int _asked;
    private int _stop;

    /// <summary>Starts the thread. One that the system refuses is tried again later; whoever frees purges by himself until then.</summary>
    /// <param name="allocator">Whose purges it makes.</param>
    /// <param name="idleInterval">Time between passes of idle time; null where somebody else makes them.</param>
    public PurgeWorker(VmapAllocator allocator, TimeSpan? idleInterval)
    {
        _trims = idleInterval is not null;
        _interval = idleInterval ?? IdleInterval;
        _allocator = new WeakReference<VmapAllocator>(allocator);
        LoadContextTenants.Add(this);
        _thread = new BackgroundThread(ThreadName, ThreadPriority.Normal, Run);
    }

    /// <summary>Whether there is a thread that can be asked. False while the system refuses it.</summary>
    public bool HasThread => _thread.HasStarted;

    /// <summary>Purges and passes that ended with an exception, and one for a thread that the system refuses at this moment.</summary>
    public long Failures => _failures.Count + (_thread.HasStarted ? 0 : 1);

    /// <summary>What the last of them said, or null.</summary>
    public string? LastFailure => _thread.Refusal ?? _failures.Last;

    /// <summary>Asks for a purge. Many requests before it begins are one.</summary>
    public void Ask()
    {
        Atomic.FullFence();
        if (Atomic.LoadAcquire(ref _asked) == 0 && Atomic.Exchange(ref _asked, 1) == 0)
        {
            _wake.Set();
        }
    }

    /// <summary>Asks the thread to end. Whoever frees beyond the bound purges by himself then.</summary>
    public void Leave()
    {
        Atomic.StoreRelease(ref _stop, 1);
        Forget();
        _wake.Set();
    }

    /// <summary>A thread that the system refused is not tried again: its allocator has gone.</summary>
    public void Forget() => _thread.Forget();

    /// <summary>Stops the thread and waits for the purge that it may be in.</summary>
    public void Dispose()
    {
        Leave();
        _thread.Await();
        _wake.Dispose();
    }

    private void Run()
    {
        // Requests do not put the passes off: a program that is never idle has memory in excess, too.
        TimeSpan due = Now + _interval;
        bool goesOn = true;
        while (goesOn)
        {
            goesOn = TryRunOnce(ref due);
        }

        LoadContextTenants.Remove(this);
    }

    // Without managed memory not even the code that counts a failure may get compiled: then the failure is lost, and the thread goes on.
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private bool TryRunOnce(ref TimeSpan due)
    {
        try
        {
            TimeSpan wait = due - Now;
            bool asked = _wake.WaitOne(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
            return Atomic.LoadAcquire(ref _stop) == 0 && WorkOnce(asked, ref due);
        }
        catch (Exception)
        {
            return true;
        }
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    // A frame of its own, so that no reference to the allocator stays on the stack while the thread waits.
    [MethodImpl(MethodImplOptions.NoInlining)]
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private bool WorkOnce(bool asked, ref TimeSpan due)
    {
        if (!_allocator.TryGetTarget(out VmapAllocator? allocator))
        {
            return false;
        }

        try
        {
            if (asked)
            {
                // Cleared first: a request that comes during the purge is one of its own.
                Atomic.StoreRelease(ref _asked, 0);
                Atomic.FullFence();
                allocator.PurgeInBackground();
            }

            if (Now >= due)
            {
                due = Now + _interval;
                due = _trims ? Now + allocator.PassIdle(_interval) : due;
            }
        }
        catch (Exception exception)
        {
            _failures.Note(exception);
        }

        return true;
    }
}
