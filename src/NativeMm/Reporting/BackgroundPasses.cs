namespace NativeMm.Reporting;

/// <summary>
/// One background thread that makes somebody work once an interval. It holds him weakly, so that who is not referenced any more can go, and
/// ends with him.
/// </summary>
internal sealed class BackgroundPasses : IDisposable
{
    private readonly WeakReference<IBackgroundPass> _worker;
    private readonly ManualResetEventSlim _stop = new();
    private readonly TimeSpan _interval;
    private readonly Thread _thread;

    /// <summary>Starts the thread.</summary>
    /// <param name="worker">Who works.</param>
    /// <param name="interval">Time between two passes.</param>
    /// <param name="name">Name of the thread.</param>
    public BackgroundPasses(IBackgroundPass worker, TimeSpan interval, string name)
    {
        _worker = new WeakReference<IBackgroundPass>(worker);
        _interval = interval;
        _thread = new Thread(Run, maxStackSize: 256 << 10)
        {
            IsBackground = true,
            Name = name,
            Priority = ThreadPriority.BelowNormal,
        };
        _thread.Start();
    }

    /// <summary>Stops the thread and waits for the pass that it may be in.</summary>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        while (!_stop.Wait(_interval) && RunOnce())
        {
        }
    }

    private bool RunOnce()
    {
        if (!_worker.TryGetTarget(out IBackgroundPass? worker))
        {
            return false;
        }

        worker.RunPass();
        return true;
    }
}
