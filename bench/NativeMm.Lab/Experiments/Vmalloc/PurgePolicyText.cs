using System.Globalization;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// Purge policies as the command line writes them: <c>default</c>, or executor, lock release and trigger with colons between them, such as
/// <c>worker:100:pages</c>.
/// </summary>
internal static class PurgePolicyText
{
    /// <summary>What the library does by itself.</summary>
    public const string Default = "default";

    /// <summary>What to say about good values in a message.</summary>
    public const string Allowed =
        "default, or EXECUTOR:RELEASE:TRIGGER of caller|worker|workers, never|threshold|1 to 16777216 pieces, and pages|both|either";

    private static readonly Dictionary<string, PurgeExecutor> s_executors = new()
    {
        ["caller"] = PurgeExecutor.Caller,
        ["worker"] = PurgeExecutor.Worker,
        ["workers"] = PurgeExecutor.WorkerPerLazyMax,
    };

    private static readonly Dictionary<string, PurgeTrigger> s_triggers = new()
    {
        ["pages"] = PurgeTrigger.Pages,
        ["both"] = PurgeTrigger.PagesAndPieces,
        ["either"] = PurgeTrigger.PagesOrPieces,
    };

    /// <summary>What is compared when nothing is set: every executor with every release, and the two triggers that count pieces.</summary>
    public static string[] Sweep { get; } =
    [
        Default,
        .. from executor in s_executors.Keys from release in (string[])["never", "threshold", "1", "100", "1000"] select $"{executor}:{release}:pages",
        "worker:100:both",
        "worker:100:either",
    ];

    /// <summary>What is compared when nothing is set where the areas are really mapped: who makes the calls.</summary>
    public static string[] MappedSweep { get; } = [Default, "caller:100:pages", "worker:100:pages", "workers:100:pages", "worker:never:pages"];

    /// <summary>The canonical text, or null when the text means nothing.</summary>
    public static string? Normalize(string text)
    {
        if (text == Default)
        {
            return text;
        }

        string[] parts = text.Split(':');
        bool isGood = parts.Length == 3
            && s_executors.ContainsKey(parts[0])
            && (parts[1] is "never" or "threshold" || IsBatch(parts[1]))
            && s_triggers.ContainsKey(parts[2]);
        return !isGood ? null : IsBatch(parts[1]) ? $"{parts[0]}:{BatchOf(parts[1])}:{parts[2]}" : text;
    }

    /// <summary>The policy that a canonical text means.</summary>
    /// <param name="text">The text.</param>
    /// <param name="lazyPagesMax">Pages that may be outstanding; 0 lets the library choose.</param>
    public static LazyPurgePolicy Parse(string text, uint lazyPagesMax)
    {
        var policy = new LazyPurgePolicy { LazyPagesMax = lazyPagesMax };
        if (text == Default)
        {
            return policy;
        }

        string[] parts = text.Split(':');
        policy = policy with { Executor = s_executors[parts[0]], Trigger = s_triggers[parts[2]] };
        return parts[1] switch
        {
            "never" => policy with { LockRelease = PurgeLockRelease.Never },
            "threshold" => policy with { LockRelease = PurgeLockRelease.BelowThreshold, LockReleaseBatch = 1 },
            _ => policy with { LockRelease = PurgeLockRelease.EveryBatch, LockReleaseBatch = BatchOf(parts[1]) },
        };
    }

    private static bool IsBatch(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int batch) && batch is >= 1 and <= LazyPurgePolicy.PiecesLimit;

    private static int BatchOf(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
