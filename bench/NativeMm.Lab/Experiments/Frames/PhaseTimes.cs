using System.Diagnostics;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>The best times of one thread, written by that thread alone.</summary>
internal sealed class PhaseTimes
{
    /// <summary>Nanoseconds of a get in the best round.</summary>
    public double BestGet { get; private set; } = double.MaxValue;

    /// <summary>Nanoseconds of a put in the best round.</summary>
    public double BestPut { get; private set; } = double.MaxValue;

    /// <summary>Adds a round.</summary>
    public void Add(long start, long middle, long end, int operations)
    {
        double scale = 1e9 / Stopwatch.Frequency / operations;
        BestGet = Math.Min(BestGet, (middle - start) * scale);
        BestPut = Math.Min(BestPut, (end - middle) * scale);
    }
}
