namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>How many free blocks are reported in one go: a factor of 4 apart, so that each weighs the same in the fit.</summary>
internal static class ScanSizes
{
    /// <summary>All of them.</summary>
    public static readonly int[] All = [1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18];

    /// <summary>The largest.</summary>
    public static int Largest => All[^1];

    /// <summary>The name of the metric of a size.</summary>
    public static string MetricOf(int blocks) => $"scan_ns_{blocks >> 10}k";
}
