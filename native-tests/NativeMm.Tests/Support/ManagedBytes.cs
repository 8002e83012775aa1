using System.Diagnostics;
using NativeMm.Diagnostics;

namespace NativeMm.Tests.Support;

/// <summary>How much managed memory a call takes on the thread that makes it, though other tests run beside it.</summary>
internal static class ManagedBytes
{
    private const int QuietAttempts = 5;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The least of a few calls. What a call takes itself, it takes each time; the rest of a buffer of this thread is counted now and then, when somebody collects. A
    /// call during which somebody listens to the events does not count: what is told, and who is told, takes managed memory.
    /// </summary>
    /// <param name="act">The call; warm already, for its first ones load types.</param>
    /// <returns>Bytes; <see cref="long.MaxValue"/> when somebody listened for a minute.</returns>
    public static long Least(Action act) => Least(() => act, warmUps: 0);

    /// <summary>As <see cref="Least(Action)"/>, of a call that each time needs something else to work on.</summary>
    /// <param name="prepare">Makes what the call works on, and hands the call over.</param>
    /// <param name="warmUps">Calls before the first that counts.</param>
    public static long Least(Func<Action> prepare, int warmUps)
    {
        for (int i = 0; i < warmUps; i++)
        {
            prepare()();
        }

        long least = long.MaxValue;
        long start = Stopwatch.GetTimestamp();
        for (int quiet = 0; quiet < QuietAttempts && least != 0 && Stopwatch.GetElapsedTime(start) < s_patience;)
        {
            Action act = prepare();
            bool listened = NativeMmEventSource.Log.IsEnabled();
            long before = GC.GetAllocatedBytesForCurrentThread();
            act();
            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            if (listened || NativeMmEventSource.Log.IsEnabled())
            {
                Thread.Sleep(10);
                continue;
            }

            least = long.Min(least, bytes);
            quiet++;
        }

        return least;
    }
}
