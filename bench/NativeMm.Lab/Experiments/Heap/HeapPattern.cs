namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Names of the patterns.</summary>
internal static class HeapPattern
{
    public const string Pair = "pair";
    public const string Batch = "batch";
    public const string Fifo = "fifo";
    public const string Random = "random";
    public const string Remote = "remote";
    public const string Mixed = "mixed";
    public const string Churn = "churn";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Pair, Batch, Fifo, Random, Remote, Mixed, Churn];

    /// <summary>Whether a pattern can run on so many threads.</summary>
    public static bool Fits(string pattern, int threads) => pattern != Remote || threads % 2 == 0;
}
