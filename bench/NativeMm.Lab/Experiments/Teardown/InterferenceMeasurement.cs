using System.Diagnostics;
using System.Globalization;
using NativeMm.AddressSpaces;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>One thread faults pages of a space in and out, alone, and beside the end of another space that nobody waits for.</summary>
internal sealed class InterferenceMeasurement(MeasurementRequest request)
{
    private const long Gibibyte = 1L << 30;
    private const long ForegroundBytes = 8 << 20;
    private const double QuietSeconds = 1;

    private DurationHistogram _durations;

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        long bytes = long.Parse(request.Parameters["gib"]!, CultureInfo.InvariantCulture) * Gibibyte;
        using var foreground = new FullSpace(ForegroundBytes, new TeardownOptions());
        using var full = new FullSpace(bytes, new TeardownOptions());
        full.Map(bytes, isFull: true);
        CorePlan.PinCurrentThread(0);
        long address = foreground.Map(ForegroundBytes, isFull: false);
        Warmup.UntilCompilerIsQuiet(() => Round(foreground.Space, address));

        _durations = default;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < QuietSeconds)
        {
            Round(foreground.Space, address);
        }

        double quiet = _durations.QuantileNanoseconds(0.99);
        _durations = default;
        start = Stopwatch.GetTimestamp();
        Task end = full.Space.DisposeAsync().AsTask();
        while (!end.IsCompleted)
        {
            Round(foreground.Space, address);
        }

        double beside = _durations.QuantileNanoseconds(0.99);
        end.Wait();
        return new Measurement()
            .Add("seconds", Stopwatch.GetElapsedTime(start).TotalSeconds)
            .Add("quiet_p99_ns", quiet)
            .Add("p99_ns", beside)
            .Add("p99_ratio", beside / quiet);
    }

    private void Round(AddressSpace space, long address)
    {
        for (long at = 0; at < ForegroundBytes; at += Pfn.FrameBytes)
        {
            long from = Stopwatch.GetTimestamp();
            space.Fault((ulong)(address + at) / Pfn.FrameBytes, PageAccess.Write);
            _durations.Add(Stopwatch.GetTimestamp() - from);
        }

        space.Advise(address, ForegroundBytes, MemoryAdvice.DoNotNeed);
    }
}
