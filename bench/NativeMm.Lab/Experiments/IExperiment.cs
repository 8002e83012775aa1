using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments;

/// <summary>
/// A question that the lab can answer by measuring. To add one: a folder, a class, and its line in <see cref="ExperimentRegistry"/>.
/// </summary>
internal interface IExperiment
{
    /// <summary>What the command line calls it.</summary>
    string Name { get; }

    /// <summary>What it measures, in one line.</summary>
    string Summary { get; }

    /// <summary>What it compares.</summary>
    IReadOnlyList<Variant> Variants { get; }

    /// <summary>What can be set.</summary>
    IReadOnlyList<ParameterDefinition> Parameters { get; }

    /// <summary>What comes out.</summary>
    IReadOnlyList<MetricDefinition> Metrics { get; }

    /// <summary>What must come out.</summary>
    IReadOnlyList<Bar> Bars { get; }

    /// <summary>The part that the quick tour shows.</summary>
    TourPart Tour { get; }

    /// <summary>Unit of the curves over time, where there are any.</summary>
    string SeriesUnit => "By";

    /// <summary>Launches of each case, unless somebody says otherwise.</summary>
    int Launches => RunSettings.RepeatDefault;

    /// <summary>How long a child may take before it is stopped, beside the seconds that it is asked to measure.</summary>
    /// <remarks>Generous: warming up and the slowest memory experiment take well under a minute on a loaded machine.</remarks>
    TimeSpan Patience => TimeSpan.FromMinutes(2);

    /// <summary>The cases that a selection stands for.</summary>
    /// <exception cref="LabUsageException">The selection makes no sense for this experiment.</exception>
    IEnumerable<Case> Plan(Selection selection);

    /// <summary>Measures one case, once. Called in a fresh child process.</summary>
    Measurement Measure(MeasurementRequest request);
}
