using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>
/// Calls a pool at intervals for as long as it has anything to look at. It keeps no pool alive: the timer of one that nobody knows any more ends by itself.
/// </summary>
internal sealed class IdlePasses : IDisposable
{
    private readonly WeakReference<IIdlePass> _target;
    private readonly ITimer _timer;
    private readonly TimeSpan _interval;
    private readonly FailureLog _failures;
    private int _armed;
    private int _running;

    /// <summary>Makes a timer at rest.</summary>
    public IdlePasses(IIdlePass target, TimeSpan interval, TimeProvider time, string name)
    {
        _target = new WeakReference<IIdlePass>(target);
        _interval = interval;
        _failures = new FailureLog(name);
        bool hasFlow = ExecutionContext.IsFlowSuppressed();
        AsyncFlowControl flow = hasFlow ? default : ExecutionContext.SuppressFlow();
        try
        {
            // The pool lives longer than the request that happens to make it.
            _timer = time.CreateTimer(static self => ((IdlePasses)self!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        finally
        {
            if (!hasFlow)
            {
                flow.Undo();
            }
        }
    }

    /// <summary>Passes that failed, and what the last one said.</summary>
    public FailureLog Failures => _failures;

    /// <summary>Begins with the passes, unless they run already. Never throws.</summary>
    public void Arm()
    {
        if (Atomic.LoadAcquire(ref _armed) == 0 && Atomic.CompareExchange(ref _armed, 0, 1))
        {
            try
            {
                _timer.Change(_interval, _interval);
            }
            catch (ObjectDisposedException)
            {
                // The pool is disposed: nothing is to be looked at.
            }
            catch (OutOfMemoryException)
            {
                // The next one who arms it tries again.
                Atomic.Exchange(ref _armed, 0);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A pass that fails is written down; the next one comes.")]
    private void OnTick()
    {
        if (!_target.TryGetTarget(out IIdlePass? pool))
        {
            _timer.Dispose();
            return;
        }

        if (!Atomic.CompareExchange(ref _running, 0, 1))
        {
            // The pass before is still at work: the system is slow to take the pages.
            return;
        }

        try
        {
            if (!pool.RunIdlePass())
            {
                Rest(pool);
            }
        }
        catch (Exception failure)
        {
            _failures.Note(failure);
        }
        finally
        {
            Atomic.StoreRelease(ref _running, 0);
        }
    }

    /// <summary>Whoever takes a block from the slabs after the mark is gone arms the timer anew; whoever took one before is seen by the second look.</summary>
    private void Rest(IIdlePass pool)
    {
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Atomic.Exchange(ref _armed, 0);

        // Who returns something looks at the mark without a fence of his own: he saw it gone, or what he returned is seen here.
        Atomic.ProcessWideFence();
        if (pool.HasWork)
        {
            Arm();
        }
    }
}
