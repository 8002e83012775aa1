using NativeMm.Teardown;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>Who gives the memory back. The number of threads of a case is the most that may work at a time.</summary>
internal static class TeardownVariants
{
    /// <summary>Threads of the adaptive variant: an automatic width is at most that.</summary>
    public const int AdaptiveThreads = 8;

    /// <summary>One thread, the caller.</summary>
    public static readonly Variant Inline = new("inline", "the caller alone, as Linux does it");

    /// <summary>What was posted for Linux.</summary>
    public static readonly Variant Batches = new("batches", "the caller takes pages out, workers free what he gathered, in batches above a threshold") { IsOurs = true };

    /// <summary>What the review asked for.</summary>
    public static readonly Variant Range = new("range", "the range is divided among the workers by what is populated; they take from each other") { IsOurs = true };

    /// <summary>The default.</summary>
    public static readonly Variant Adaptive = new("adaptive", "the default: divided by ranges, as many workers as bring something, at most 8") { IsOurs = true };

    /// <summary>The default, and nobody waits.</summary>
    public static readonly Variant Unwaited = new("unwaited", "the caller does not wait: the default, or of release at most so many workers") { IsOurs = true };

    /// <summary>Bare threads, each of which advises its share by one call.</summary>
    public static readonly Variant Bare = new("bare", "release: bare threads, each advises its share by one call") { IsYardstick = true };

    /// <summary>What tells a lock of the file, or whatever the parts of a space share, from everything else that threads wait for.</summary>
    public static readonly Variant Apart = new("apart", "file, spaces: as many threads, each with a file or a space and frames of its own, together as long") { IsYardstick = true };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [Inline, Batches, Range, Adaptive, Unwaited, Bare, Apart];

    /// <summary>Whether a variant has an answer to a part, on so many threads.</summary>
    public static bool Does(Variant variant, string part, int threads) => part == TeardownPart.File ? DoesFile(variant, threads) : variant.Name switch
    {
        "apart" => part == TeardownPart.Spaces && threads <= TeardownOptions.ActiveLimit,
        "inline" => threads == 1 && part != TeardownPart.Interference,
        "adaptive" => threads == AdaptiveThreads && part != TeardownPart.Interference,
        "unwaited" when part == TeardownPart.Release => threads is 1 or 2 or AdaptiveThreads,
        "unwaited" => threads == AdaptiveThreads && part is TeardownPart.Spaces or TeardownPart.Interference,
        "bare" => part == TeardownPart.Release && threads <= 32,
        "batches" => part is not (TeardownPart.Interference or TeardownPart.Small or TeardownPart.Release or TeardownPart.Trim) && threads <= TeardownOptions.ActiveLimit,
        _ => part is not (TeardownPart.Interference or TeardownPart.Small) && threads <= TeardownOptions.ActiveLimit,
    };

    private static bool DoesFile(Variant variant, int threads) => variant.Name switch
    {
        "inline" => threads == 1,
        "range" or "bare" or "apart" => threads <= TeardownOptions.ActiveLimit,
        _ => false,
    };

    /// <summary>The options of a case.</summary>
    public static TeardownOptions OptionsOf(Case measured, long threshold) => measured.Variant switch
    {
        "inline" => new TeardownOptions { Strategy = TeardownStrategy.Inline },
        "batches" => new TeardownOptions { Strategy = TeardownStrategy.Batches, MaxActive = measured.Threads, BatchThresholdFrames = (int)threshold },
        "range" => new TeardownOptions { MaxActive = measured.Threads },
        "unwaited" when measured.Threads != AdaptiveThreads => new TeardownOptions { MaxActive = measured.Threads },
        "apart" => new TeardownOptions { Strategy = TeardownStrategy.Inline },
        _ => new TeardownOptions(),
    };
}
