using System.Diagnostics;

namespace NativeMm.Platform;

/// <summary>How much of the processors the calling thread is given, and has had.</summary>
internal static unsafe class ThreadScheduling
{
    // CLOCK_THREAD_CPUTIME_ID.
    private const int ThreadCpuClock = 3;

    // A tenth of the weight of a thread that asks for nothing: it gets idle time, and goes on under load, too.
    private const int BelowNormalNice = 10;

    /// <summary>
    /// Makes the calling thread give way to others, for as long as it lives. On Linux by its nice value, because <see cref="ThreadPriority"/> does nothing there.
    /// </summary>
    public static PlatformResult LowerPriority()
    {
        if (!SystemPlatform.IsLinux)
        {
            return new PlatformResult(ErrorNumber.NotImplemented);
        }

        return LibC.ResultOf(LibC.SetPriority(0, SystemThread.CurrentId(), BelowNormalNice));
    }

    /// <summary>Processor time of the calling thread in nanoseconds, of which differences mean something; elapsed time where the system does not tell.</summary>
    public static long CpuNanoseconds
    {
        get
        {
            nint* time = stackalloc nint[2];
            return SystemPlatform.IsLinux && LibC.GetTime(ThreadCpuClock, time) == 0
                ? (time[0] * 1_000_000_000L) + time[1]
                : ElapsedNanoseconds;
        }
    }

    /// <summary>Elapsed time in nanoseconds, of which differences mean something; no call of the system on most machines.</summary>
    public static long ElapsedNanoseconds => (long)(Stopwatch.GetTimestamp() * (1_000_000_000.0 / Stopwatch.Frequency));
}
