namespace NativeMm.Primitives;

/// <summary>
/// How to wait inside a retry loop: pause instructions that double up to a bound, then the scheduler, so that a preempted owner can run.
/// </summary>
internal ref struct Backoff
{
    private const int PausesMax = 64;
    private int _pauses;
    private SpinWait _scheduler;

    /// <summary>Waits a little; each call longer than the one before.</summary>
    public void Wait()
    {
        int pauses = _pauses == 0 ? 1 : _pauses;
        if (pauses <= PausesMax && Environment.ProcessorCount > 1)
        {
            Thread.SpinWait(pauses);
            _pauses = pauses * 2;
            return;
        }

        _scheduler.SpinOnce();
    }
}
