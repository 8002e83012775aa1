using System.Globalization;
using NativeMm.Lab.Experiments.Idle;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>What it costs to tell the operating system which memory is free, and what it brings.</summary>
internal sealed class ReportingExperiment : IExperiment
{
    private const string BlocksInTour = "16384";

    /// <inheritdoc/>
    public string Name => "reporting";

    /// <inheritdoc/>
    public string Summary => "free page reporting: what it costs a program that works, how its scans grow, and how soon a burst of 2 GiB is gone";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants { get; } = [.. ReportingPart.All.SelectMany(ReportingVariants.Of)];

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("part", "what is measured; each part has variants of its own", ReportingPart.All),
        ParameterDefinition.Number(
            "blocks",
            "scan: the largest number of free blocks; those measured are " + string.Join(", ", ScanSizes.All) + ", as far as they are not larger",
            ScanSizes.All[1],
            ScanSizes.Largest,
            ScanSizes.Largest.ToString(CultureInfo.InvariantCulture)),
        new(
            "survivors",
            "burst: the 5 % that stay are those that were allocated first, or any (the same in each run)",
            [Survivors.First],
            value => Survivors.All.Contains(value) ? value : null,
            string.Join('|', Survivors.All)),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "overhead: mean wall time in which each thread takes 2 MiB, writes to each page and puts them back", IsHeadline: true),
        .. OverheadMeasurement.Metrics,
        .. ScanMeasurement.Metrics,
        .. IdleMetrics.Definitions,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = ReportingBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
    [
        CaseOf(ReportingVariants.Off, 1, ReportingPart.Overhead),
        CaseOf(ReportingVariants.DontNeed, 1, ReportingPart.Overhead),
        .. from v in (Variant[])[ReportingVariants.Bits, ReportingVariants.Rescan] select ScanCaseOf(v, BlocksInTour),
    ],
    LaunchesMax: 1);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<string> parts = selection.Values["part"];
        RejectMeaningless(selection, parts);
        return from part in parts
               from threads in selection.Threads ?? ThreadsOf(part)
               where ReportingPart.Fits(part, threads)
               from value in OwnKeyOf(part) is { } key ? selection.Values[key] : [string.Empty]
               from variant in ReportingVariants.Of(part).Where(selection.Variants.Contains)
               select part switch
               {
                   ReportingPart.Scan => ScanCaseOf(variant, value),
                   ReportingPart.Burst => BurstCaseOf(variant, value),
                   _ => CaseOf(variant, threads, part),
               };
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request) => request.Parameters["part"] switch
    {
        ReportingPart.Overhead => OverheadMeasurement.Measure(request),
        ReportingPart.Scan => new ScanMeasurement(request).Measure(),
        _ => AllocatorPeers.Accept<IdleMeasurement, Measurement>(
            request.Case.Variant, new IdleMeasurement(BurstPlanOf(request), request)),
    };

    /// <summary>The case of a part that has no size.</summary>
    internal static Case CaseOf(Variant variant, int threads, string part) =>
        new("reporting", variant.Name, threads, ParameterValues.Of("part", part));

    /// <summary>The case of the scan.</summary>
    internal static Case ScanCaseOf(Variant variant, string blocks) =>
        new("reporting", variant.Name, 1, ParameterValues.Of("part", ReportingPart.Scan, "blocks", blocks));

    /// <summary>The case of the burst. Who survives is part of its name only when it is not those that were allocated first.</summary>
    internal static Case BurstCaseOf(Variant variant, string survivors) => survivors == Survivors.First
        ? CaseOf(variant, 1, ReportingPart.Burst)
        : new("reporting", variant.Name, 1, ParameterValues.Of("part", ReportingPart.Burst, "survivors", survivors));

    private static IdlePlan BurstPlanOf(MeasurementRequest request) =>
        (request.Quick ? IdlePlan.BurstSmall : IdlePlan.Burst) with { IsMixed = request.Parameters["survivors"] == Survivors.Random };

    /// <summary>The parameter that only this part has, or null.</summary>
    private static string? OwnKeyOf(string part) => part switch
    {
        ReportingPart.Scan => "blocks",
        ReportingPart.Burst => "survivors",
        _ => null,
    };

    private static IReadOnlyList<int> ThreadsOf(string part) => part == ReportingPart.Overhead ? [1, 2] : [1];

    private static void RejectMeaningless(Selection selection, IReadOnlyList<string> parts)
    {
        if (selection.Threads is { } threads)
        {
            if (threads.Any(t => t is 0 or > ReportingPart.ThreadsMax))
            {
                throw new LabUsageException(
                    string.Create(CultureInfo.InvariantCulture, $"The reporting experiment needs at least 1 and at most {ReportingPart.ThreadsMax} threads."));
            }

            if (selection.Explicit.Contains("part") && parts.FirstOrDefault(p => !threads.Any(t => ReportingPart.Fits(p, t))) is { } lonely)
            {
                throw new LabUsageException($"Part {lonely} runs on 1 thread.");
            }
        }

        foreach (string part in ReportingPart.All.Except(parts))
        {
            if (OwnKeyOf(part) is { } key && selection.Explicit.Contains(key))
            {
                throw new LabUsageException($"Only part {part} has {key}; --set {key} has no meaning for {string.Join(", ", parts)}.");
            }
        }
    }
}
