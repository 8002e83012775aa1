using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Harness;

/// <summary>
/// Counts durations in buckets that are a sixteenth of a power of two wide, so that a quantile is known to about 6 %. Unmanaged: adding a
/// duration allocates nothing and may happen under a lock. Not thread-safe.
/// </summary>
internal struct DurationHistogram
{
    private const int ShareBits = 4;
    private const int Share = 1 << ShareBits;
    private const int BucketCount = (64 - ShareBits) * Share;
    private const double NanosecondsPerSecond = 1e9;

    private Buckets _buckets;
    private long _maximum;

    /// <summary>How many durations were added.</summary>
    public long Count { get; private set; }

    /// <summary>The longest, in nanoseconds.</summary>
    public readonly double MaximumNanoseconds => _maximum * (NanosecondsPerSecond / Stopwatch.Frequency);

    /// <summary>Adds a duration in clock ticks. A clock that went backwards counts as no time.</summary>
    public void Add(long ticks)
    {
        ticks = long.Max(ticks, 0);
        _buckets[BucketOf((ulong)ticks)]++;
        _maximum = long.Max(_maximum, ticks);
        Count++;
    }

    /// <summary>Adds all durations of another one.</summary>
    public void Add(in DurationHistogram other)
    {
        for (int bucket = 0; bucket < BucketCount; bucket++)
        {
            _buckets[bucket] += other._buckets[bucket];
        }

        _maximum = long.Max(_maximum, other._maximum);
        Count += other.Count;
    }

    /// <summary>
    /// The duration in nanoseconds that the given part of all durations does not exceed: the upper end of its bucket, at most the longest
    /// duration; 0 when there is none.
    /// </summary>
    /// <param name="part">Above 0, at most 1, such as 0.999.</param>
    public readonly double QuantileNanoseconds(double part)
    {
        Debug.Assert(part is > 0 and <= 1, "A quantile is a part of the whole.");
        long wanted = (long)Math.Ceiling(part * Count);
        long seen = 0;
        for (int bucket = 0; bucket < BucketCount; bucket++)
        {
            seen += _buckets[bucket];
            if (seen >= wanted && seen > 0)
            {
                return Math.Min(UpperEnd(bucket), _maximum) * (NanosecondsPerSecond / Stopwatch.Frequency);
            }
        }

        return 0;
    }

    // Small values have a bucket each; above, the highest bits say which power of two and which sixteenth of it.
    private static int BucketOf(ulong ticks)
    {
        int shift = Math.Max(0, BitOperations.Log2(ticks | 1) - ShareBits);
        return (shift * Share) + (int)(ticks >> shift);
    }

    private static double UpperEnd(int bucket)
    {
        int shift = Math.Max(0, (bucket / Share) - 1);
        ulong top = (ulong)(bucket - (shift * Share));
        return Math.ScaleB(top + 1, shift) - 1;
    }

    [InlineArray(BucketCount)]
    private struct Buckets
    {
        private long _first;
    }
}
