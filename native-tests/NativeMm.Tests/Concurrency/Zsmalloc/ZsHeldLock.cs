using NativeMm.Primitives;

namespace NativeMm.Tests.Concurrency.Zsmalloc;

/// <summary>Lets a test act once, on the same thread, when the thread has taken a lock, which it holds meanwhile.</summary>
internal readonly struct ZsHeldLock : ILockStatistics
{
    [ThreadStatic]
    private static Action? t_action;

    public static bool Enabled => true;

    public static void Enter(Action action) => t_action = action;

    public void Acquired(long timestamp)
    {
        Action? action = t_action;
        t_action = null;
        action?.Invoke();
    }

    public void AcquiredAfterWait(long waitedFrom, long timestamp) => Acquired(timestamp);

    public void Releasing(long timestamp)
    {
    }
}
