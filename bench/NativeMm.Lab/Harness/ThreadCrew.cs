// Purpose      runs one round of work on several operating-system threads at once and takes the wall time of the slowest.
// States       _arrived: how many workers of this round stand at the gate; _round counts rounds.
// Transitions  a worker is woken (its own event), adds itself to _arrived, and starts when _arrived reaches the crew's size.
// Ordering     the add is a full fence [G1] and pairs with the acquire reads of the others [G2]; results are read by the caller after
//              every worker has signalled the countdown, which is a full synchronization.
// Progress     blocking: the gate opens when the last worker arrives. Waiters pause, then yield, so that many workers fit on few cores.

using System.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>Operating-system threads that live for the whole measurement, pinned one to a core as far as there are cores.</summary>
internal sealed class ThreadCrew : IDisposable
{
    private const int StackBytes = 256 * 1024;

    private readonly Thread[] _threads;
    private readonly AutoResetEvent[] _wake;
    private readonly CountdownEvent _finished;
    private readonly long[] _started;
    private readonly long[] _ended;
    private readonly bool _pin;
    private Action<int> _work = _ => { };
    private Exception? _failure;
    private int _arrived;
    private bool _leaving;

    /// <summary>Starts the threads; they wait.</summary>
    /// <param name="size">How many.</param>
    /// <param name="pin">Whether to pin them to cores.</param>
    public ThreadCrew(int size, bool pin)
    {
        _pin = pin;
        _threads = new Thread[size];
        _wake = new AutoResetEvent[size];
        _started = new long[size];
        _ended = new long[size];
        _finished = new CountdownEvent(size);
        for (int i = 0; i < size; i++)
        {
            int index = i;
            _wake[i] = new AutoResetEvent(false);
            _threads[i] = new Thread(() => Live(index), StackBytes) { IsBackground = true, Name = $"crew {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of threads.</summary>
    public int Size => _threads.Length;

    /// <summary>Says to waiting work that a crew mate has failed and nobody will ever arrive.</summary>
    public AbortSignal Abort { get; } = new();

    /// <summary>Runs one round on every thread.</summary>
    /// <param name="work">Called once a thread, with its number.</param>
    /// <returns>Nanoseconds from the first start to the last end.</returns>
    public double Run(Action<int> work)
    {
        _work = work;
        _arrived = 0;
        _finished.Reset();
        foreach (AutoResetEvent wake in _wake)
        {
            wake.Set();
        }

        _finished.Wait();
        if (_failure is not null)
        {
            throw new InvalidOperationException($"A measuring thread failed: {_failure.Message}", _failure);
        }

        return (_ended.Max() - _started.Min()) * (1e9 / Stopwatch.Frequency);
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        _leaving = true;
        foreach (AutoResetEvent wake in _wake)
        {
            wake.Set();
        }

        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        foreach (AutoResetEvent wake in _wake)
        {
            wake.Dispose();
        }

        _finished.Dispose();
    }

    private void Live(int index)
    {
        if (_pin)
        {
            CorePlan.PinCurrentThread(index);
        }

        while (true)
        {
            _wake[index].WaitOne();
            if (_leaving)
            {
                return;
            }

            try
            {
                WaitAtGate();
                _started[index] = Stopwatch.GetTimestamp();
                _work(index);
                _ended[index] = Stopwatch.GetTimestamp();
            }
            catch (Exception exception)
            {
                _failure ??= exception;
                Abort.Raise();
            }

            _finished.Signal();
        }
    }

    private void WaitAtGate()
    {
        Atomic.Add(ref _arrived, 1); // [G1]
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref _arrived) < Size) // [G2]
        {
            backoff.Wait();
        }
    }
}
