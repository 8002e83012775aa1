using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// One background thread that purges when it is asked to. It holds the allocator weakly, so that one which nobody references any more can go, and
/// ends with it.
/// </summary>
internal sealed class PurgeWorker : IDisposable
{
    private static readonly TimeSpan s_lookAround = TimeSpan.FromSeconds(10);
    private readonly WeakReference<VmapAllocator> _allocator;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly Thread _thread;
    private int _asked;
    private bool _stop;

    /// <summary>Starts the thread.</summary>
    public PurgeWorker(VmapAllocator allocator)
    {
        _allocator = new WeakReference<VmapAllocator>(allocator);
        _thread = new Thread(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = "NativeMm purger" };
        _thread.Start();
    }

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
        bool goesOn = true;
        while (goesOn)
        {
            // The event orders the flag: it is written before Set and read after the wait.
            bool asked = _wake.WaitOne(s_lookAround);
            goesOn = !_stop && PurgeOnce(asked);
        }
    }

    private bool PurgeOnce(bool asked)
    {
        if (!_allocator.TryGetTarget(out VmapAllocator? allocator))
        {
            return false;
        }

        if (asked)
        {
            // Cleared first: a request that comes during the purge is one of its own.
            Atomic.Exchange(ref _asked, 0);
            allocator.PurgeInBackground();
        }

        return true;
    }
}
