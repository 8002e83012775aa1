using System.Diagnostics;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>What an end costs that is below the floor, where all strategies must be the same.</summary>
internal static class SmallMeasurement
{
    private const long Bytes = 48 << 20;
    private const int Rounds = 40;

    /// <summary>Measures the best of some ends.</summary>
    public static Measurement Run(MeasurementRequest request)
    {
        double best = double.MaxValue;
        using var full = new FullSpace(Bytes, TeardownVariants.OptionsOf(request.Case, 1));
        for (int round = 0; round < Rounds; round++)
        {
            long address = full.Map(Bytes, isFull: true);
            long start = Stopwatch.GetTimestamp();
            full.Space.Unmap(address, Bytes);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }

        return new Measurement().Add("ns_per_op", best).Add("seconds", best / 1e9);
    }
}
