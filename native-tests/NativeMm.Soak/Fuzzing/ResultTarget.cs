using System.Text.Json;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>The reader of result files: rows, or one of the exceptions that become "not a file of results".</summary>
internal sealed class ResultTarget : IFuzzTarget
{
    private readonly string _sample;

    public ResultTarget()
    {
        var parameters = new ParameterValues([KeyValuePair.Create("size", "64"), KeyValuePair.Create("pattern", "fifo")]);
        ResultRow[] rows =
        [
            .. Enumerable.Range(1, 3).Select(threads => new ResultRow(
                new Case("heap", "native", threads, parameters),
                [new MetricResult("time", "ns", new Spread(1.5, 2, 3e9))],
                0,
                new Dictionary<string, IReadOnlyList<SeriesPoint>>())),
        ];
        _sample = ResultFile.Format(new MachineInfo([KeyValuePair.Create("processor", "any")]), rows);
    }

    public string Name => "result";

    public void Run(Chance chance)
    {
        try
        {
            _ = ResultFile.Parse(Mutation.Of(_sample, chance));
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            // What Read makes its message of.
        }
    }

    public void Dispose()
    {
    }
}
