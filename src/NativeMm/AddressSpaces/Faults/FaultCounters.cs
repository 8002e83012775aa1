using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Counts of faults in stripes, so that two threads do not write the same line. Thread-safe.</summary>
internal sealed class FaultCounters
{
    private const int Stripes = 64;
    private const int StripeWords = 2 * CacheLine.Isolation / sizeof(long);

    // A stripe in front keeps the array's length off the counters.
    private readonly long[] _counts = new long[(Stripes + 1) * StripeWords];

    /// <summary>Counts how an attempt without a lock ended.</summary>
    public void Count(int slot, FaultOutcome outcome) => Count(slot, (int)(outcome > FaultOutcome.NotAttempted ? FaultOutcome.NotSupported : outcome));

    /// <summary>Counts something else.</summary>
    public void Count(int slot, FaultEvent what) => Count(slot, (int)what);

    /// <summary>The sum of all stripes.</summary>
    public long Sum(FaultOutcome outcome) => Sum((int)outcome);

    /// <inheritdoc cref="Sum(FaultOutcome)"/>
    public long Sum(FaultEvent what) => Sum((int)what);

    private void Count(int slot, int what) => Atomic.Add(ref _counts[(((slot % Stripes) + 1) * StripeWords) + what], 1);

    private long Sum(int what)
    {
        long sum = 0;
        for (int stripe = 1; stripe <= Stripes; stripe++)
        {
            sum += Atomic.LoadAcquire(in _counts[(stripe * StripeWords) + what]);
        }

        return sum;
    }
}
