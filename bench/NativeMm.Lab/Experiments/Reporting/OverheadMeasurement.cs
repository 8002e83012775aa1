using System.Diagnostics;
using NativeMm.Frames;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Reporting;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>What a reporter in the background costs a program that takes, writes and puts back memory all the time.</summary>
internal sealed class OverheadMeasurement(OverheadPlan plan, MeasurementRequest request)
{
    /// <summary>What comes out beside the time of an operation.</summary>
    public static IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("passes", "1", "overhead: passes of the reporter while the clock ran"),
        new("reported", "By", "overhead: bytes that it reported in that time"),
    ];

    /// <summary>Measures a variant.</summary>
    public static Measurement Measure(MeasurementRequest request) =>
        new OverheadMeasurement(request.Quick ? OverheadPlan.Small : OverheadPlan.Full, request).Measure();

    private Measurement Measure()
    {
        using FrameZone zone = FrameZones.Create(plan.ZoneBytes(request.Case.Threads));
        using var allocator = new LockFreeFrameAllocator(zone);
        if (DeviceOf(request.Case.Variant) is not { } device)
        {
            return Churn(allocator, reporter: null);
        }

        using var reporter = new PageReporter(allocator, new PageReporterOptions { Delay = plan.Delay });
        reporter.Register(device);
        reporter.Start();
        return Churn(allocator, reporter);
    }

    private static IReportingDevice? DeviceOf(string variant) => variant switch
    {
        "off" or "off-shuffled" => null,
        "null" => new NullDevice(),
        "dontneed" or "dontneed-shuffled" => new MadviseDevice(DiscardMode.Now),
        "free" => new MadviseDevice(DiscardMode.WhenNeeded),
        _ => throw new ArgumentException($"There is no reporter called {variant}.", nameof(variant)),
    };

    private Measurement Churn(LockFreeFrameAllocator allocator, PageReporter? reporter)
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        var churn = new TouchingChurn<LockFreeFrames>(new LockFreeFrames(allocator), plan.Window, crew.Size);
        bool shuffled = ReportingVariants.IsShuffled(request.Case.Variant);
        crew.Run(thread => churn.SetUp(thread, shuffled));
        long lead = Stopwatch.GetTimestamp();
        Warmup.UntilCompilerIsQuiet(() => crew.Run(churn.Round));
        crew.Run(thread => churn.RunFor(thread, plan.Lead - Stopwatch.GetElapsedTime(lead)));

        ReporterStatistics? before = reporter?.GetStatistics();
        long[] operations = new long[crew.Size];
        double time = crew.Run(thread => operations[thread] = churn.RunFor(thread, plan.Watch));
        ReporterStatistics? after = reporter?.GetStatistics();
        Measurement result = new Measurement().Add("ns_per_op", time / operations.Average());
        if (before is not null && after is not null)
        {
            result.Add("passes", after.Passes - before.Passes).Add("reported", after.ReportedBytes - before.ReportedBytes);
        }

        return after is { DeviceFailures: not 0 } ? Measurement.Failed($"the device failed: {after.LastFailure}") : result;
    }
}
