// Purpose      one background thread that purges when it is asked to, and makes the passes of idle time of an allocator of its own.
// Ownership    field          | who writes          | who reads  | how
//              asked          | who asks, the thread | the same  | exchange; many requests before a purge begins are one
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
internal sealed class PurgeWorker : IDisposable
{
    /// <summary>Time without a request after which the worker of an allocator of its own makes a pass of idle time.</summary>
    public static readonly TimeSpan IdleInterval = TimeSpan.FromSeconds(10);

    private const string Name = "NativeMm purger";

    private readonly bool _trims;
    private readonly TimeSpan _interval;
    private readonly WeakReference<VmapAllocator> _allocator;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly Thread _thread;
    private int _asked;
    private bool _stop;
    private long _failures;
    private string? _lastFailure;

    /// <summary>Starts the thread.</summary>
    /// <param name="allocator">Whose purges it makes.</param>
    /// <param name="idleInterval">Time between passes of idle time; null where somebody else makes them.</param>
    public PurgeWorker(VmapAllocator allocator, TimeSpan? idleInterval)
    {
        _trims = idleInterval is not null;
        _interval = idleInterval ?? IdleInterval;
        _allocator = new WeakReference<VmapAllocator>(allocator);
        _thread = new Thread(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = Name };
        _thread.Start();
    }

    /// <summary>Purges and passes that ended with an exception.</summary>
    public long Failures => Atomic.LoadAcquire(ref _failures);

    /// <summary>What the last of them said, or null.</summary>
    public string? LastFailure => Atomic.LoadAcquire(ref _lastFailure!);

    /// <summary>Asks for a purge. Many requests before it begins are one.</summary>
    public void Ask()
    {
        if (Atomic.LoadAcquire(ref _asked) == 0 && Atomic.Exchange(ref _asked, 1) == 0)
        {
            _wake.Set();
        }
    }

    /// <summary>Stops the thread and waits for the purge that it may be in.</summary>
    public void Dispose()
    {
        _stop = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    private void Run()
    {
        // Requests do not put the passes off: a program that is never idle has memory in excess, too.
        TimeSpan due = Now + _interval;
        bool goesOn = true;
        while (goesOn)
        {
            // The event orders the flag: it is written before Set and read after the wait.
            TimeSpan wait = due - Now;
            bool asked = _wake.WaitOne(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
            goesOn = !_stop && WorkOnce(asked, ref due);
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
                Atomic.Exchange(ref _asked, 0);
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
            string failure = FailureText.Of(exception);
            Atomic.StoreRelease(ref _lastFailure!, failure);
            Atomic.StoreRelease(ref _failures, _failures + 1);
            NativeMmEventSource.Log.BackgroundPassFailed(Name, failure);
        }

        return true;
    }
}
