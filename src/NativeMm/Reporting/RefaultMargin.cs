using NativeMm.Diagnostics;

namespace NativeMm.Reporting;

/// <summary>
/// What to keep back because reports of late were mistakes: frames that were reported and soon taken again, so that each page of them faulted
/// once more. Grows with each mistake and halves with each delay, so it follows a program that calms down; if a halving turns out to be one more
/// mistake, it is undone. Not thread-safe; no clock of its own.
/// </summary>
/// <param name="delay">Time after which half of the margin is given up, and half of the time within which a frame taken again was a mistake.</param>
internal sealed class RefaultMargin(TimeSpan delay)
{
    // A pass finds a small part of what would be a mistake, and using a frame again costs many times what telling of it did.
    private const ulong Gain = 4;
    private const int WindowDelays = 2;

    private readonly Queue<(TimeSpan Time, ulong Frames)> _recent = [];
    private ulong _recentFrames;
    private ulong _forgivenFrames;
    private ulong _backedFrames;
    private ulong _wholeFrames;
    private TimeSpan _halvedAt;

    /// <summary>Frames to keep back.</summary>
    public ulong Frames { get; private set; }

    /// <summary>Takes note of what happened since the last pass.</summary>
    /// <param name="backedFrames">Frames that the operating system may hold.</param>
    /// <param name="now">The time, from any beginning.</param>
    public void Advance(ulong backedFrames, TimeSpan now)
    {
        while (_recent.TryPeek(out (TimeSpan Time, ulong Frames) oldest) && now - oldest.Time > WindowDelays * delay)
        {
            Invariant.Assert(oldest.Frames >= _forgivenFrames, $"{_forgivenFrames} of {oldest.Frames} frames of a report were a mistake.");
            _recentFrames -= _recent.Dequeue().Frames - _forgivenFrames;
            _forgivenFrames = 0;
        }

        // Only use makes memory of the zone come back; if it is more than was reported of late, the rest is growth.
        ulong taken = backedFrames - Math.Min(backedFrames, _backedFrames);
        ulong refaulted = Math.Min(taken, _recentFrames);
        bool wasProbe = refaulted != 0 && refaulted >= _recentFrames / 2;
        Forget(refaulted);
        if (now - _halvedAt >= delay)
        {
            _wholeFrames = Frames;
            Frames /= 2;
            _halvedAt = now;
        }

        // When most of what was reported since the last halving came back, the halving was the mistake.
        ulong grown = Frames + (Gain * refaulted);
        Frames = Math.Min(wasProbe ? Math.Max(grown, _wholeFrames) : grown, backedFrames);
        _backedFrames = backedFrames;
    }

    /// <summary>Takes note of what a pass changed.</summary>
    /// <param name="backedFrames">The count after it.</param>
    /// <param name="now">The time, from the same beginning.</param>
    public void NotePass(ulong backedFrames, TimeSpan now)
    {
        ulong reported = _backedFrames - Math.Min(_backedFrames, backedFrames);
        _recent.Enqueue((now, reported));
        _recentFrames += reported;
        _backedFrames = backedFrames;
    }

    // The oldest first: a report is a mistake once.
    private void Forget(ulong frames)
    {
        Invariant.Assert(frames <= _recentFrames, $"{frames} of {_recentFrames} frames that were reported of late were a mistake.");
        Invariant.Assert(frames == 0 || _recent.Count != 0, $"{frames} frames of no report were a mistake.");
        _recentFrames -= frames;
        _forgivenFrames += frames;
        while (_recent.TryPeek(out (TimeSpan Time, ulong Frames) oldest) && oldest.Frames <= _forgivenFrames)
        {
            _forgivenFrames -= _recent.Dequeue().Frames;
        }
    }
}
