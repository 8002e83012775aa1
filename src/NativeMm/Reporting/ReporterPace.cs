using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>
/// Says when to report and how much. Two limits hold together: a share of the free memory a pass, so that a pass is short, and what the program
/// did not use at any moment within the delay, because that much it is likely to take again. What it took again all the same widens the second
/// limit for a while. Not thread-safe; no clock of its own.
/// </summary>
/// <param name="options">The limits.</param>
internal sealed class ReporterPace(PageReporterOptions options)
{
    // Samples miss the true peak of what comes and goes between them: a part of the swing that they did see is kept on top.
    private const ulong SwingDivisor = 2;

    // The mark counts blocks of 64 KiB at least.
    private const int MarkOrderMin = 4;

    // As long as there were mistakes of late, a pass is a probe: a part of a full call.
    private const ulong ProbeDivisor = 4;

    // Smaller pieces count by their bytes: a few scattered pages are not worth a walk.
    private readonly ulong _highWaterFrames = (ulong)options.HighWaterBlocks << Math.Max(options.Pieces.Value, MarkOrderMin);
    private readonly ulong _probe = AtLeastABlock(ProbeDivisor, options);
    private readonly SlidingRange _allocated = new(options.Delay);
    private readonly RefaultMargin _margin = new(options.Delay);
    private TimeSpan _requestedAt;
    private ulong _quota;
    private ulong _settledFrames;

    /// <summary>What is about to happen.</summary>
    public ReporterState State { get; private set; }

    /// <summary>Takes note of where the frames are.</summary>
    /// <param name="use">The counts.</param>
    /// <param name="now">The time, from any beginning.</param>
    /// <returns>Frames that may be reported now.</returns>
    public ulong Advance(FrameUse use, TimeSpan now)
    {
        _margin.Advance(use.BackedFrames, now);
        ulong needed = NeedWith(use.AllocatedFrames, now);

        // What the last walk could not report counts as settled until it is used again.
        _settledFrames = Math.Min(_settledFrames, use.UnreportedFrames);
        if (State == ReporterState.Idle && use.UnreportedFrames - _settledFrames >= _highWaterFrames)
        {
            State = ReporterState.Requested;
            _requestedAt = now;
        }

        if (State == ReporterState.Requested && now - _requestedAt >= options.Delay)
        {
            State = ReporterState.Active;
            _quota = AtLeastABlock(1, options);
        }

        if (State == ReporterState.Active && use.UnreportedFrames < options.Pieces.Frames)
        {
            Settle(use);
        }

        if (State != ReporterState.Active)
        {
            return 0;
        }

        // The share is one of the largest amount seen, so that a burst is through after as many passes, not after ever smaller ones.
        Invariant.Assert(_quota >= Order.Max.Frames, $"A pass may report {_quota} frames.");
        ulong share = (use.UnreportedFrames + (ulong)options.BudgetDivisor - 1) / (ulong)options.BudgetDivisor;
        _quota = Math.Max(_quota, share);
        ulong limit = _margin.Frames == 0 ? _quota : Math.Max(share, _probe);
        Invariant.Assert(needed >= use.AllocatedFrames, $"{needed} frames are needed, and {use.AllocatedFrames} are allocated.");
        ulong kept = needed - use.AllocatedFrames;
        return use.UnreportedFrames > kept ? Math.Min(limit, use.UnreportedFrames - kept) : 0;
    }

    /// <summary>Takes note of what a pass changed.</summary>
    /// <param name="use">The counts after it.</param>
    /// <param name="now">The time, from the same beginning.</param>
    public void NotePass(FrameUse use, TimeSpan now) => _margin.NotePass(use.BackedFrames, now);

    /// <summary>A walk came to its end and left nothing to report: there is nothing to do until enough is free again.</summary>
    public void Settle(FrameUse use)
    {
        State = ReporterState.Idle;
        _settledFrames = use.UnreportedFrames;
    }

    /// <summary>A part of a full call, and never less than the largest block, or a buddy's walk would not get past its largest list.</summary>
    private static ulong AtLeastABlock(ulong divisor, PageReporterOptions options) =>
        Math.Max(((ulong)PageReporter.Capacity << options.BlockOrder) / divisor, Order.Max.Frames);

    /// <summary>
    /// What the program is likely to need: the most that was seen within the delay, and a part of the swing or what was lately reported by
    /// mistake. At rest just what it has.
    /// </summary>
    private ulong NeedWith(ulong allocated, TimeSpan now)
    {
        _allocated.Add(allocated, now);
        return _allocated.Most + Math.Max((_allocated.Most - _allocated.Least) / SwingDivisor, _margin.Frames);
    }
}
