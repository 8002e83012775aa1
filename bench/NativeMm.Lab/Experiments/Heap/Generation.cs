using System.Runtime.ExceptionServices;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>A thread that lives for one piece of work.</summary>
internal static class Generation
{
    private const int StackBytes = 256 * 1024;

    /// <summary>Does the work on a new thread and waits until that thread is gone. What the work throws comes out here.</summary>
    /// <param name="work">The work.</param>
    /// <param name="pinAs">The thread is pinned as the measuring thread of this number; −1 leaves it free.</param>
    public static void Run(Action work, int pinAs)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    if (pinAs >= 0)
                    {
                        CorePlan.PinCurrentThread(pinAs);
                    }

                    work();
                }
                catch (Exception exception)
                {
                    failure = ExceptionDispatchInfo.Capture(exception);
                }
            },
            StackBytes);
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
