using System.Diagnostics;
using System.Runtime;

namespace NativeMm.Lab.Harness;

/// <summary>Runs work until the just-in-time compiler has nothing more to improve in it.</summary>
internal static class Warmup
{
    // A method must be called 30 times, wait for a quiet tenth of a second, and pass through an instrumented stage before it is compiled
    // for speed. A window therefore calls the work more than 30 times, and the windows without compilation must outlast that tenth.
    private const int CallsPerWindow = 35;
    private const int QuietWindows = 7;
    private static readonly TimeSpan s_window = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

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
