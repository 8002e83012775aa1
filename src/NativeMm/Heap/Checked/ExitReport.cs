using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

/// <summary>
/// Has every checked heap that was not disposed report at the end of the process: the shared heap never is. Once the library's own load context unloads
/// it stops, and the heaps report when they are finalized. Thread-safe.
/// </summary>
internal sealed class ExitReport : ILoadContextTenant
{
    private static int s_hasBegun;

    private ExitReport()
    {
    }

    /// <summary>Begins to wait for the end of the process, once.</summary>
    public static void Begin()
    {
        if (Atomic.Exchange(ref s_hasBegun, 1) == 0)
        {
            var report = new ExitReport();
            AppDomain.CurrentDomain.ProcessExit += report.ReportAll;
            LoadContextTenants.Add(report);
        }
    }

    /// <inheritdoc/>
    public void Leave() => AppDomain.CurrentDomain.ProcessExit -= ReportAll;

    private void ReportAll(object? sender, EventArgs e)
    {
        foreach (CheckedBlocks heap in CheckedHeaps.Others(null))
        {
            heap.ReportAtExit();
        }
    }
}
