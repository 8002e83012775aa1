using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>Gathers what the launches find, case by case, in the order of the first launch.</summary>
internal sealed class LaunchRecorder
{
    private readonly Dictionary<Case, List<Measurement>> _byCase = [];
    private readonly List<Case> _order = [];
    private readonly Dictionary<Case, string> _failures = [];

    /// <summary>Cases whose measurement failed, with the reason.</summary>
    public IReadOnlyDictionary<Case, string> Failures => _failures;

    /// <summary>Whether a case failed before and need not be launched again.</summary>
    public bool HasFailed(Case launched) => _failures.ContainsKey(launched);

    /// <summary>Adds what a launch found.</summary>
    public void Add(Case launched, Measurement found)
    {
        if (found.Error is not null || found.Metrics.Count == 0)
        {
            _failures.TryAdd(launched, found.Error ?? "it gave no figure");
            return;
        }

        if (!_byCase.TryGetValue(launched, out List<Measurement>? list))
        {
            _byCase.Add(launched, list = []);
            _order.Add(launched);
        }

        list.Add(found);
    }

    /// <summary>One row for every case that was measured and never failed.</summary>
    public IReadOnlyList<ResultRow> Rows() => [.. _order.Where(c => !HasFailed(c)).Select(c => Condense(c, _byCase[c]))];

    private static ResultRow Condense(Case measured, List<Measurement> launches)
    {
        IExperiment experiment = ExperimentRegistry.Get(measured.Experiment);
        var metrics = new List<MetricResult>();
        foreach (MetricDefinition metric in experiment.Metrics)
        {
            double[] figures = [.. launches.Where(l => l.Metrics.ContainsKey(metric.Name)).Select(l => l.Metrics[metric.Name])];
            if (figures.Length > 0)
            {
                metrics.Add(new MetricResult(metric.Name, metric.Unit, Spread.Of(figures)));
            }
        }

        return new ResultRow(measured, metrics, launches.Count, launches[0].Series);
    }
}
