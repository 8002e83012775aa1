using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// How to wait inside a retry loop: pause instructions that double up to a bound, then the scheduler, so that a preempted owner can run, then
/// sleeps of a millisecond. The caller may hold locks, so no wait throws: a <see cref="Thread.Interrupt"/> stays pending for the next wait of the
/// caller's own.
/// </summary>
internal ref struct Backoff
{
    private const int PausesMax = 64;
    private const int YieldsMax = 20;
    private int _pauses;
    private int _yields;
    private bool _interrupted;

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

        if (_yields < YieldsMax || _interrupted)
        {
            _yields++;
            Thread.Yield();
            return;
        }

        _interrupted = !Nap(1);
    }

    /// <summary>Sleeps, or ends early because of an interrupt, which stays pending.</summary>
    /// <returns>False after an interrupt: a thread on which one is pending cannot sleep.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Nap(int milliseconds)
    {
        try
        {
            Thread.Sleep(milliseconds);
            return true;
        }
        catch (Exception failure) when (failure is ThreadInterruptedException or OutOfMemoryException)
        {
            // Without managed memory for the one exception the runtime throws the other in its place.
            Thread.CurrentThread.Interrupt();
            return false;
        }
    }
}
