using System.Diagnostics;

namespace NativeMm.Lab.Harness;

/// <summary>Warms work up, finds a good length for a round, and times rounds.</summary>
internal static class RoundTimer
{
    /// <summary>Operations of the first round, unless they are slow.</summary>
    public const int OperationsFirst = 1000;

    private const int OperationsMax = 1 << 28;
    private const int RoundsMin = 5;
    private const double RoundNanoseconds = 10e6;

    /// <summary>Times the work.</summary>
    /// <param name="crew">Who works.</param>
    /// <param name="granularity">Operations are a multiple of this.</param>
    /// <param name="warmUp">A small piece of a round: the thread's number.</param>
    /// <param name="round">One round: the thread's number and how many operations it must perform.</param>
    /// <param name="seconds">How long to go on.</param>
    /// <param name="first">Operations of the first round.</param>
    /// <returns>Wall nanoseconds of an operation of each thread, in the best round.</returns>
    public static double Best(
        ThreadCrew crew, int granularity, Action<int> warmUp, Action<int, int> round, double seconds, int first = OperationsFirst)
    {
        Warmup.UntilCompilerIsQuiet(() => crew.Run(warmUp));
        int operations = LengthOf(crew, granularity, first, round).Operations;
        double best = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        for (int rounds = 0; rounds < RoundsMin || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; rounds++)
        {
            best = Math.Min(best, Run(crew, round, operations));
        }

        return best / operations;
    }

    /// <summary>
    /// Times the work as one long round: for work whose rare events, such as another thread that comes by every millisecond, belong to the figure.
    /// </summary>
    /// <param name="crew">Who works.</param>
    /// <param name="warmUp">A small piece of a round: the thread's number.</param>
    /// <param name="round">One round: the thread's number and how many operations it must perform.</param>
    /// <param name="seconds">How long the round is to take.</param>
    /// <returns>Wall nanoseconds of an operation of each thread.</returns>
    public static double Whole(ThreadCrew crew, Action<int> warmUp, Action<int, int> round, double seconds)
    {
        Warmup.UntilCompilerIsQuiet(() => crew.Run(warmUp));
        (int first, double time) = LengthOf(crew, 1, OperationsFirst, round);
        int operations = (int)Math.Clamp(first * (seconds * 1e9 / time), first, OperationsMax);
        return Run(crew, round, operations) / operations;
    }

    /// <summary>
    /// Times the work as the mean of rounds that fill the time: for more threads than cores, where the best round is the one in which the scheduler
    /// happened to do nothing.
    /// </summary>
    /// <param name="crew">Who works.</param>
    /// <param name="granularity">Operations are a multiple of this.</param>
    /// <param name="warmUp">A small piece of a round: the thread's number.</param>
    /// <param name="round">One round: the thread's number and how many operations it must perform.</param>
    /// <param name="seconds">How long to go on.</param>
    /// <param name="first">Operations of the first round.</param>
    /// <returns>Wall nanoseconds of an operation of each thread.</returns>
    public static double Mean(ThreadCrew crew, int granularity, Action<int> warmUp, Action<int, int> round, double seconds, int first)
    {
        Warmup.UntilCompilerIsQuiet(() => crew.Run(warmUp));
        int operations = LengthOf(crew, granularity, first, round).Operations;
        double total = 0;
        int rounds = 0;
        for (long start = Stopwatch.GetTimestamp(); rounds == 0 || Stopwatch.GetElapsedTime(start).TotalSeconds < seconds; rounds++)
        {
            total += Run(crew, round, operations);
        }

        return total / rounds / operations;
    }

    // Doubles a round until it takes long enough.
    private static (int Operations, double Time) LengthOf(ThreadCrew crew, int granularity, int first, Action<int, int> round)
    {
        int operations = RoundUp(first, granularity);
        double time;
        while ((time = Run(crew, round, operations)) < RoundNanoseconds && operations < OperationsMax)
        {
            operations *= 2;
        }

        return (operations, time);
    }

    private static double Run(ThreadCrew crew, Action<int, int> round, int operations) => crew.Run(thread => round(thread, operations));

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
