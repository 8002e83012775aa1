namespace NativeMm.Runtime;

/// <summary>
/// One background thread that makes the runtime trim itself a few times a purge delay. It holds the runtime weakly, so that a runtime
/// which nobody references any more can go, and ends with it.
/// </summary>
internal sealed class BackgroundTrimmer : IDisposable
{
    private readonly WeakReference<MemoryRuntime> _runtime;
    private readonly ManualResetEventSlim _stop = new();
    private readonly TimeSpan _interval;
    private readonly Thread _thread;

    /// <summary>Starts the thread.</summary>
    /// <param name="runtime">Whose memory to trim.</param>
    /// <param name="interval">Time between two passes.</param>
    public BackgroundTrimmer(MemoryRuntime runtime, TimeSpan interval)
    {
        _runtime = new WeakReference<MemoryRuntime>(runtime);
        _interval = interval;
        _thread = new Thread(Run, maxStackSize: 256 << 10)
        {
            IsBackground = true,
            Name = "NativeMm trimmer",
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
        while (!_stop.Wait(_interval) && TrimOnce())
        {
        }
    }

    private bool TrimOnce()
    {
        if (!_runtime.TryGetTarget(out MemoryRuntime? runtime))
        {
            return false;
        }

        runtime.TrimIdle();
        return true;
    }
}
