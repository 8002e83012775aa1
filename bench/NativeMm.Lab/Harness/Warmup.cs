using System.Diagnostics;
using System.Runtime;

namespace NativeMm.Lab.Harness;

/// <summary>Runs work until the just-in-time compiler has nothing more to improve in it.</summary>
internal static class Warmup
{
    // A method must be called 30 times in its first form and 30 times in an instrumented one before it is compiled for speed, in the
    // background. A window therefore calls the work more than 30 times. Children count calls from the start (see ChildProcess): with the
    // usual delay the compiler is quiet for a tenth of a second or two before it has begun, and quietness would prove nothing.
    private const int CallsPerWindow = 35;
    private const int QuietWindows = 5;
    private static readonly TimeSpan s_window = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(3);

    // The measuring harness itself has rarely used corners that become hot one by one; they do not matter enough to wait for all of them.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1.5);

    /// <summary>Calls the work again and again until no method has been compiled for a while.</summary>
    /// <param name="work">A small piece of the work that will be measured, through the same methods.</param>
    public static void UntilCompilerIsQuiet(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        long compiled = -1;
        for (int quiet = 0; quiet < QuietWindows && Stopwatch.GetElapsedTime(start) < s_limit;)
        {
            long window = Stopwatch.GetTimestamp();
            for (int calls = 0; calls < CallsPerWindow || Stopwatch.GetElapsedTime(window) < s_window; calls++)
            {
                work();
            }

            // The compiler works in the background; on a machine whose cores are all measuring it needs a moment of its own.
            Thread.Sleep(s_pause);
            long now = JitInfo.GetCompiledMethodCount(currentThread: false);
            quiet = now == compiled ? quiet + 1 : 0;
            compiled = now;
        }
    }
}
