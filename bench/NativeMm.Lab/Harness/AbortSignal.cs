using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>Tells work that waits for another thread that the other thread has failed.</summary>
internal sealed class AbortSignal
{
    private int _raised;

    /// <summary>Raises the signal; it stays raised.</summary>
    public void Raise() => Atomic.StoreRelease(ref _raised, 1);

    /// <summary>To be called in every waiting loop, where it is slow already.</summary>
    /// <exception cref="OperationCanceledException">The signal was raised.</exception>
    public void ThrowIfRaised()
    {
        if (Atomic.LoadAcquire(ref _raised) != 0)
        {
            throw new OperationCanceledException("Another measuring thread has failed.");
        }
    }
}
