using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>The frame allocators against each other.</summary>
internal sealed class FramesExperiment : IExperiment
{
    /// <inheritdoc/>
    public string Name => "frames";

    /// <inheritdoc/>
    public string Summary => "allocators of page frames; an operation is one get and one put of a block of 2^order frames";

    /// <inheritdoc/>
    public IReadOnlyList<Variant> Variants => FrameAllocators.All;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterDefinition> Parameters { get; } =
    [
        ParameterDefinition.Choice("pattern", "how blocks are taken and given back", FramePattern.All),
        ParameterDefinition.Number("order", "size of the blocks; frag has orders up to 8", 0, Order.MaxValue, "0", "9"),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<MetricDefinition> Metrics { get; } =
    [
        new("ns_per_op", "ns", "wall time in which each thread performs one operation: flat means perfect scaling", IsHeadline: true),
        new("ops_per_second", "1/s", "operations of all threads together", LowerIsBetter: false),
        new("get_ns", "ns", "the gets of bulk and random alone"),
        new("put_ns", "ns", "the puts of bulk and random alone"),
        new("free_huge_blocks", "1", "frag: free blocks of 2 MiB at the end", LowerIsBetter: false),
        new("free_huge_share", "%", "frag: the part of the free frames that lies in such blocks", LowerIsBetter: false),
        .. LockMetrics.Definitions,
    ];

    /// <inheritdoc/>
    public IReadOnlyList<Bar> Bars { get; } = FrameBars.All;

    /// <inheritdoc/>
    public TourPart Tour => new(
        [
            .. from v in Variants where v != FrameAllocators.BuddyUncached select CaseOf(v, 2, FramePattern.Repeat, "0"),
            .. from v in Variants where v != FrameAllocators.BuddyUncached && v != FrameAllocators.Ideal select CaseOf(v, 2, FramePattern.Random, "0"),
        ],
        RunSettings.RepeatDefault);

    /// <inheritdoc/>
    public IEnumerable<Case> Plan(Selection selection)
    {
        IReadOnlyList<int> threads = selection.Threads ?? [1, 2];
        if (threads.Contains(0))
        {
            throw new LabUsageException("The frames experiment needs at least 1 thread.");
        }

        IReadOnlyList<string> patterns = selection.Values["pattern"];
        IReadOnlyList<string> orders = selection.Values["order"];
        if (patterns.All(p => p == FramePattern.Frag) && !orders.Any(FitsFrag))
        {
            throw new LabUsageException(string.Create(CultureInfo.InvariantCulture, $"Pattern frag has orders 0 to {FramePattern.FragOrderMax}."));
        }

        return from pattern in patterns
               from order in orders.Where(o => pattern != FramePattern.Frag || FitsFrag(o))
               from count in threads
               from variant in selection.Variants
               where pattern == FramePattern.Repeat || variant != FrameAllocators.Ideal
               select CaseOf(variant, count, pattern, order);
    }

    /// <inheritdoc/>
    public Measurement Measure(MeasurementRequest request)
    {
        string variant = request.Case.Variant;
        Measurement result;
        using (FrameZone zone = FrameZones.Create(request.Quick))
        {
            result = FrameAllocators.Accept<FrameMeasurement, Measurement>(variant, zone, new FrameMeasurement(request));
        }

        if (FrameAllocators.HasZoneLock(variant))
        {
            AddLockAccount(request, result);
        }

        return result;
    }

    // Keeping the account costs the lock time, so it is taken in a second, shorter run after the figures.
    private static void AddLockAccount(MeasurementRequest request, Measurement result)
    {
        using FrameZone zone = FrameZones.Create(request.Quick);
        using BuddyAllocator<LockStatistics> allocator = FrameAllocators.MakeAccounting(request.Case.Variant, zone);
        var accounted = new FrameMeasurement(request with { Seconds = 0 });
        accounted.Visit(new BuddyFrames<LockStatistics>(allocator));
        LockMetrics.AddTo(result, allocator.LockStatistics.Snapshot("zone"));
    }

    /// <summary>The case of a pattern.</summary>
    internal static Case CaseOf(Variant variant, int threads, string pattern, string order) =>
        new("frames", variant.Name, threads, ParameterValues.Of("pattern", pattern, "order", order));

    private static bool FitsFrag(string order) => int.Parse(order, CultureInfo.InvariantCulture) <= FramePattern.FragOrderMax;
}
