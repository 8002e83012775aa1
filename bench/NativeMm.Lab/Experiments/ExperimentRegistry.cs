using NativeMm.Lab.Experiments.Cache;
using NativeMm.Lab.Experiments.Codec;
using NativeMm.Lab.Experiments.Faults;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Lab.Experiments.Grow;
using NativeMm.Lab.Experiments.Heap;
using NativeMm.Lab.Experiments.Idle;
using NativeMm.Lab.Experiments.Locality;
using NativeMm.Lab.Experiments.Paging;
using NativeMm.Lab.Experiments.Pools;
using NativeMm.Lab.Experiments.Reporting;
using NativeMm.Lab.Experiments.Service;
using NativeMm.Lab.Experiments.Teardown;
using NativeMm.Lab.Experiments.Trace;
using NativeMm.Lab.Experiments.Vmalloc;
using NativeMm.Lab.Experiments.Zsmalloc;

namespace NativeMm.Lab.Experiments;

/// <summary>All experiments, in the order in which they are shown.</summary>
internal static class ExperimentRegistry
{
    /// <summary>One line each.</summary>
    public static IReadOnlyList<IExperiment> All { get; } =
    [
        new TraceExperiment(),
        new LocalityExperiment(),
        new HeapExperiment(),
        new GrowExperiment(),
        new FramesExperiment(),
        new VmallocExperiment(),
        new FaultsExperiment(),
        new PagedExperiment(),
        new SnapshotExperiment(),
        new CacheExperiment(),
        new IdleExperiment(),
        new ReportingExperiment(),
        new TeardownExperiment(),
        new ZsmallocExperiment(),
        new CodecExperiment(),
        new PoolsExperiment(),
        new ServiceExperiment(),
    ];

    /// <summary>The experiment of a name.</summary>
    /// <exception cref="LabUsageException">There is none.</exception>
    public static IExperiment Get(string name) =>
        All.FirstOrDefault(e => e.Name == name)
        ?? throw new LabUsageException($"Unknown experiment '{name}': there are {string.Join(", ", All.Select(e => e.Name))}.");
}
