// Purpose      threads that compact a pool again and again while others work in it.
// Ordering     [C1] the release of _leaving pairs with [C2] its acquire; what a thread failed with is read after it was joined.
// Progress     a compactor pauses after every pass, as a shrinker is called again and again, not without end.

using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Compactors beside the workers. They are not pinned: where they find a core is the system's affair, as in a service.</summary>
internal sealed class Compactors<TPool> : IDisposable
    where TPool : struct, IPoolUnderTest
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(1);

    private readonly TPool _pool;
    private readonly Thread[] _threads;
    private Exception? _failure;
    private int _leaving;
    private bool _stopped;

    /// <summary>Starts them.</summary>
    public Compactors(TPool pool, int count)
    {
        _pool = pool;
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _threads[i] = new Thread(Live) { IsBackground = true, Name = $"compactor {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Ends them.</summary>
    /// <exception cref="InvalidOperationException">One of them failed.</exception>
    public void Stop()
    {
        Dispose();
        if (_failure is not null)
        {
            throw new InvalidOperationException($"A compactor failed: {_failure.Message}", _failure);
        }
    }

    /// <summary>Ends them.</summary>
    public void Dispose()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        Atomic.StoreRelease(ref _leaving, 1); // [C1] pairs with [C2]
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
    }

    private void Live()
    {
        try
        {
            while (Atomic.LoadAcquire(ref _leaving) == 0) // [C2] pairs with [C1]
            {
                _pool.Compact();
                Thread.Sleep(s_pause);
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }
    }
}
