using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Measures one pattern on one frame allocator.</summary>
internal sealed class FrameMeasurement(MeasurementRequest request) : IFramesVisitor<Measurement>
{
    private readonly Order _order = new(int.Parse(request.Parameters["order"]!, CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public Measurement Visit<TFrames>(TFrames frames)
        where TFrames : struct, IFramesUnderTest
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);

        // Half of the zone, so that whoever holds frames back for itself does not run the others dry.
        int share = Math.Max(1, (int)(frames.Allocator.Zone.FrameCount / _order.Frames / 2 / crew.Size));
        var workload = new FrameWorkload<TFrames>(frames, _order, share, crew.Size);
        string pattern = request.Parameters["pattern"]!;
        crew.Run(thread => workload.SetUp(thread, shuffled: pattern == FramePattern.Random));
        Measurement result = pattern switch
        {
            FramePattern.Repeat => Timed(crew, 1, workload.WarmUp, workload.Repeat),
            FramePattern.Frag => new FragmentationRun<TFrames>(workload, frames.Allocator, _order).Measure(crew),
            _ => Timed(crew, share, workload.WarmUp, workload.Fill).Add("get_ns", workload.BestPhases.Get).Add("put_ns", workload.BestPhases.Put),
        };
        frames.Allocator.Validate();
        return result;
    }

    private Measurement Timed(ThreadCrew crew, int granularity, Action<int> warmUp, Action<int, int> round)
    {
        double perOperation = RoundTimer.Best(crew, granularity, warmUp, round, request.Seconds);
        return new Measurement().Add("ns_per_op", perOperation).Add("ops_per_second", crew.Size * 1e9 / perOperation);
    }
}
