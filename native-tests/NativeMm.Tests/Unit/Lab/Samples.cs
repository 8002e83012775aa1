using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Results to test with.</summary>
internal static class Samples
{
    public static readonly MachineInfo Machine = new([new("processor", "Some <Processor> & co"), new("kernel", "6.1")]);

    public static ResultRow Row(Case measured, double median, string metric = "ns_per_op", string unit = "ns") =>
        new(measured, [new MetricResult(metric, unit, new Spread(median / 2, median, median * 2))], 5, new Dictionary<string, IReadOnlyList<SeriesPoint>>());

    public static Case Heap(string variant, int threads = 1, string size = "64") =>
        new("heap", variant, threads, ParameterValues.Of("pattern", "pair", "size", size));
}
