namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>Names of the parts.</summary>
internal static class ReportingPart
{
    public const string Overhead = "overhead";
    public const string Scan = "scan";
    public const string Burst = "burst";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Overhead, Scan, Burst];

    /// <summary>Most threads of the churn: each writes to 128 MiB.</summary>
    public const int ThreadsMax = 16;

    /// <summary>Whether a part can run on so many threads: only the churn has more than one.</summary>
    public static bool Fits(string part, int threads) => part == Overhead || threads == 1;
}
