namespace NativeMm.Heap;

/// <summary>
/// How much of its time a thread may spend on looks for sizes that it does not use any more: one part in so many, and so much ahead. Times are nanoseconds of
/// the thread's processor time. What is kept for a thread is the time at which the looks that it made will have been their part.
/// </summary>
internal static class LookPace
{
    private const int TimeDivisor = 16;

    // Nobody's look takes longer: such a thread was interrupted.
    private const long LookMax = 20_000;
    private const long Ahead = 2_000_000L * TimeDivisor;

    /// <summary>Processor time that must pass before the thread may look; 0 or less when it may now. Elapsed time passes at least as fast.</summary>
    public static long Wait(long paidUntil, long now) => paidUntil - now - Ahead;

    /// <summary>The time after a look.</summary>
    /// <param name="paidUntil">The time before it.</param>
    /// <param name="now">The processor time as far as it is known.</param>
    /// <param name="spent">How long it took, in elapsed nanoseconds.</param>
    public static long Pay(long paidUntil, long now, long spent) => Math.Max(paidUntil, now) + (Math.Min(spent, LookMax) * TimeDivisor);
}
