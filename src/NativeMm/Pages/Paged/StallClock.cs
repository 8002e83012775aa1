using System.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>Measures the time in which at least one thread is inside. Thread-safe; never copy it.</summary>
internal struct StallClock
{
    private SpinLock<NoLockStatistics> _lock;
    private int _inside;
    private long _since;
    private long _ticks;

    /// <summary>A thread begins to wait.</summary>
    public void Enter()
    {
        _lock.Enter();
        if (_inside++ == 0)
        {
            _since = Stopwatch.GetTimestamp();
        }

        _lock.Exit();
    }

    /// <summary>A thread waits no more.</summary>
    public void Exit()
    {
        _lock.Enter();
        if (--_inside == 0)
        {
            _ticks += Stopwatch.GetTimestamp() - _since;
        }

        _lock.Exit();
    }

    /// <summary>The time so far, with that of those who are inside.</summary>
    public TimeSpan Read()
    {
        _lock.Enter();
        long ticks = _ticks + (_inside == 0 ? 0 : Stopwatch.GetTimestamp() - _since);
        _lock.Exit();
        return TimeSpan.FromSeconds((double)ticks / Stopwatch.Frequency);
    }
}
