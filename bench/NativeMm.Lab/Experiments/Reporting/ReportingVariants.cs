using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>What each part compares.</summary>
internal static class ReportingVariants
{
    /// <summary>Nobody reports; what the others are held against.</summary>
    public static readonly Variant Off = new("off", "overhead: no reporter");

    /// <summary>What the shuffled churn costs by itself: it takes and puts back twice as many blocks, and writes to other ones each time.</summary>
    public static readonly Variant OffShuffled = new("off-shuffled", "overhead: no reporter, free blocks are taken in any order");

    /// <summary>Everything but the operating system's share.</summary>
    public static readonly Variant NullDevice = new("null", "overhead: a reporter whose device does nothing") { IsOurs = true };

    /// <summary>As a service has it.</summary>
    public static readonly Variant DontNeed = new("dontneed", "overhead: reports with MADV_DONTNEED") { IsOurs = true };

    /// <summary>The same, and what is allocated next is any free block.</summary>
    public static readonly Variant DontNeedShuffled = new("dontneed-shuffled", "overhead: the same, free blocks are taken in any order") { IsOurs = true };

    /// <summary>The kernel takes the pages when it needs them.</summary>
    public static readonly Variant Free = new("free", "overhead: reports with MADV_FREE") { IsOurs = true };

    /// <summary>The lock-free allocator's own scan.</summary>
    public static readonly Variant Bits = new("bits", "scan: lock-free allocator, a bit beside the free count") { IsOurs = true };

    /// <summary>The scheme that the thread began with.</summary>
    public static readonly Variant Boundary = new("boundary", "scan: buddy lists, all behind a boundary is reported") { IsOurs = true };

    /// <summary>The scheme that Linux has.</summary>
    public static readonly Variant Rotation = new("rotation", "scan: buddy lists, rotated so that unreported blocks are in front") { IsOurs = true };

    /// <summary>What the boundary is there to avoid.</summary>
    public static readonly Variant Rescan = new("rescan", "scan: boundary without its boundary: each batch searches its list from the end again");

    /// <summary>A bitmap of what was freed.</summary>
    public static readonly Variant Bitmap = new("bitmap", "scan: a bit for each freed block, in a bitmap beside the lists");

    /// <summary>Every free reports.</summary>
    public static readonly Variant Hint = new("hint", "scan: each free reports its block at once");

    /// <summary>The variants of the churn.</summary>
    public static IReadOnlyList<Variant> Overhead { get; } = [Off, NullDevice, DontNeed, OffShuffled, DontNeedShuffled, Free];

    /// <summary>The variants of the scan.</summary>
    public static IReadOnlyList<Variant> Scan { get; } = [Bits, Boundary, Rotation, Rescan, Bitmap, Hint];

    /// <summary>The variants of the burst: whoever <c>idle</c> compares too.</summary>
    public static IReadOnlyList<Variant> Burst => AllocatorPeers.WithoutCollector;

    /// <summary>Whether any free block may be the next one.</summary>
    public static bool IsShuffled(string variant) => variant == OffShuffled.Name || variant == DontNeedShuffled.Name;

    /// <summary>The variants of a part.</summary>
    public static IReadOnlyList<Variant> Of(string part) => part switch
    {
        ReportingPart.Overhead => Overhead,
        ReportingPart.Scan => Scan,
        _ => Burst,
    };
}
