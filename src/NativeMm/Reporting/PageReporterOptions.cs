using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>What and how fast a <see cref="PageReporter"/> reports. docs/tuning.md says what each option does to speed and memory.</summary>
public sealed record PageReporterOptions
{
    /// <summary>Blocks of at least this order are reported first. Default 9: 2 MiB.</summary>
    public int BlockOrder { get; init; } = 9;

    /// <summary>
    /// When no such block is left, blocks of at least this order follow: holes in memory that is partly in use, those of 64 KiB first. Default 0:
    /// single pages. Not below <see cref="BlockOrder"/> means none.
    /// </summary>
    public int PieceOrder { get; init; }

    /// <summary>
    /// Reporting begins when so much is free and unreported, in blocks of the smallest order that is reported, or of 64 KiB if that is smaller.
    /// Default 32.
    /// </summary>
    public int HighWaterBlocks { get; init; } = 32;

    /// <summary>Time from there to the first pass, and how long memory must have been in excess. Default 2 s.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time from one pass to the next. Default 250 ms.</summary>
    public TimeSpan PassInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>A pass reports at most this part of what is free and unreported: one in so many. Default 16.</summary>
    public int BudgetDivisor { get; init; } = 16;

    /// <summary>How the operating system takes pages back. Default at once.</summary>
    public DiscardMode Mode { get; init; } = DiscardMode.Now;

    /// <summary>With a buddy allocator: how it keeps track of what was reported. Default rotation.</summary>
    public BuddyReportScheme Scheme { get; init; } = BuddyReportScheme.Rotation;

    /// <summary>The order of the first blocks.</summary>
    internal Order Blocks => new(BlockOrder);

    /// <summary>The smallest order that is reported.</summary>
    internal Order Pieces => new(Math.Min(PieceOrder, BlockOrder));

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Check(nameof(BlockOrder), BlockOrder, BlockOrder is >= 0 and <= Order.MaxValue, $"0 to {Order.MaxValue}");
        Check(nameof(PieceOrder), PieceOrder, PieceOrder is >= 0 and <= Order.MaxValue, $"0 to {Order.MaxValue}");
        Check(nameof(HighWaterBlocks), HighWaterBlocks, HighWaterBlocks is >= 1 and <= 1_000_000, "1 to 1,000,000");
        Check(nameof(Delay), Delay, Delay >= TimeSpan.Zero && Delay <= TimeSpan.FromHours(1), "0 to 1 h");
        Check(nameof(PassInterval), PassInterval, PassInterval >= TimeSpan.FromMilliseconds(10) && PassInterval <= TimeSpan.FromHours(1), "10 ms to 1 h");
        Check(nameof(BudgetDivisor), BudgetDivisor, BudgetDivisor is >= 1 and <= 1024, "1 to 1,024");
        Check(nameof(Mode), Mode, Mode is DiscardMode.Now or DiscardMode.WhenNeeded, "Now or WhenNeeded");
        Check(nameof(Scheme), Scheme, Scheme is BuddyReportScheme.Rotation or BuddyReportScheme.Boundary, "Rotation or Boundary");
    }

    private static void Check(string name, object value, bool isGood, string range)
    {
        if (!isGood)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {range}, not {value}.");
        }
    }
}
