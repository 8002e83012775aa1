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

    public const string Trees = "trees";
    public const string Transfer = "transfer";
    public const string Exchange = "exchange";
    public const string Simple = "simple";
    public const string Tasks = "tasks";
    public const string Larson = "larson";
    public const string Pages = "pages";
    public const string Large = "large";
    public const string Burst = "burst";

    /// <summary>Those of blocks of one size.</summary>
    public static readonly string[] OneSize = [Pair, Batch, Fifo, Random, Remote, Churn];

    /// <summary>Those that look like programs: sizes of their own, and every block marked and checked.</summary>
    public static readonly string[] Programs = [Trees, Transfer, Exchange, Simple, Tasks, Larson, Pages, Large, Burst];

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Pair, Batch, Fifo, Random, Remote, Mixed, Churn, .. Programs];

    private static readonly int[] s_one = [1];
    private static readonly int[] s_oneAndTwo = [1, 2];
    private static readonly int[] s_eight = [8];

    /// <summary>Numbers of threads when nothing is said. Eight are more than most machines here have cores.</summary>
    public static IReadOnlyList<int> ThreadsDefault(string pattern) => pattern switch
    {
        Trees or Transfer or Exchange or Larson => s_eight,
        Simple or Large or Burst => s_one,
        _ => s_oneAndTwo,
    };

    /// <summary>Whether a pattern can run on so many threads.</summary>
    public static bool Fits(string pattern, int threads) => pattern is not (Remote or Exchange) || threads % 2 == 0;
}
