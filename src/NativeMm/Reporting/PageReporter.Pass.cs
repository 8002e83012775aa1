using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <content>Passes.</content>
public sealed partial class PageReporter
{
    // Written by whoever holds the pass lock.
    private ulong _isolatedFrames;
    private uint _polledRegistration;
    private bool _foundAny;
    private FrameUse _polledUse;
    private int _idlePolls;

    /// <summary>Whether the last polls found all frames as they were, and nothing to report.</summary>
    internal bool IsAtRest => Device is null || _idlePolls > IdlePollsMin;

    /// <summary>
    /// Reports what is free now, whatever the pace says, and waits for a pass that is under way before. It ends early, with less than
    /// everything, when so little is free that allocations might have to wait, when an allocation is about to fail, when the device fails or
    /// is unregistered, and when the reporter is disposed.
    /// </summary>
    /// <returns>
    /// Bytes that the device took note of, as <see cref="ReporterStatistics.ReportedBytes"/> counts them; 0 when there is no device, and when the
    /// device itself calls this.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The reporter is disposed.</exception>
    /// <exception cref="Diagnostics.MemoryFaultException">The device put blocks back or freed them itself.</exception>
    public ulong ReportNow()
    {
        try
        {
            return ReportNowQuietly();
        }
        finally
        {
            TellFailure();
        }
    }

    /// <summary>The same for one who allocates and waits for it himself: others are not let go first, and a reporter that has ended has nothing to give.</summary>
    internal ulong ReportUnlessClosed()
    {
        if (IsReportingHere)
        {
            return 0;
        }

        using (_passLock.EnterScope())
        {
            return IsClosed ? 0 : RunPass(ulong.MaxValue, isPaced: false); // [R4]
        }
    }

    /// <summary>Frames that the operating system may hold: those handed out, and free ones that were not reported. An estimate; takes no managed memory.</summary>
    internal ulong CountBackedFrames() => _frames.Sample().BackedFrames;

    /// <summary>Free frames that the operating system may hold. An estimate; takes no managed memory.</summary>
    internal ulong CountUnreportedFrames() => _frames.Sample().UnreportedFrames;

    /// <summary><see cref="ReportNow"/> for a caller that holds a lock: it calls <see cref="TellFailure"/> later.</summary>
    internal ulong ReportNowQuietly()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        if (IsReportingHere)
        {
            return 0;
        }

        using (_passLock.EnterScope())
        {
            ObjectDisposedException.ThrowIf(IsClosed, this); // [R4]
            LetAllocationsGoFirst();
            return RunPass(ulong.MaxValue, isPaced: false);
        }
    }

    /// <summary>
    /// One beat: looks where the frames are, and makes a pass when the pace allows it. For a call every pass interval. A pass that breaks off
    /// with an exception counts as a failure of the device.
    /// </summary>
    /// <returns>Bytes that the device took note of.</returns>
    internal ulong Poll()
    {
        using (_passLock.EnterScope())
        {
            if (IsClosed || Device is null) // [R4]
            {
                return 0;
            }

            TimeSpan now = _time.GetElapsedTime(0);
            FrameUse use = _frames.Sample();
            ulong frames = _pace.Advance(use, now);
            bool isNew = use != _polledUse || _pace.State != ReporterState.Idle;
            _polledUse = use;
            _idlePolls = isNew ? 0 : Math.Min(_idlePolls, IdlePollsMin) + 1;
            bool mayReport = frames >= Options.Pieces.Frames && !AreAllocationsWaiting && IsDeviceToBeAsked(now);
            ulong bytes = mayReport ? RunPacedPass(frames) : 0;
            Atomic.StoreRelease(ref _state, (int)_pace.State);
            return bytes;
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Counted and written down where the pass breaks off.")]
    private ulong RunPacedPass(ulong framesMax)
    {
        Invariant.Assert(IsReportingHere, "A pass begins without the pass lock.");
        ulong bytes = 0;
        try
        {
            bytes = RunPass(framesMax, isPaced: true);
        }
        catch (Exception)
        {
            // The next beat comes, after a pause.
        }

        if (bytes > 0)
        {
            _pace.NotePass(_frames.Sample(), _time.GetElapsedTime(0));
        }

        return bytes;
    }

    private bool AreAllocationsWaiting =>
        IsSomebodyWaiting || Environment.TickCount64 - Atomic.LoadAcquire(ref _lastWait) < GraceMilliseconds; // [R3]

    /// <summary>Whoever waited for isolated blocks gets them, but a program whose allocations fail all the time does not keep a pass away.</summary>
    private void LetAllocationsGoFirst()
    {
        long end = Environment.TickCount64 + DeferMillisecondsMax;
        var backoff = default(Backoff);
        while (AreAllocationsWaiting && !IsClosed && Environment.TickCount64 < end)
        {
            backoff.Wait();
        }
    }

    private bool IsDeviceToBeAsked(TimeSpan now)
    {
        uint registration = Atomic.LoadAcquire(ref _registration);
        if (_polledRegistration != registration)
        {
            _polledRegistration = registration;
            _backoff.Reset();
        }

        return _backoff.IsOver(now);
    }

    /// <summary>A pass over the blocks that are not reported.</summary>
    /// <param name="framesMax">Most frames to report.</param>
    /// <param name="isPaced">Whether it goes on where the last one stopped and leaves the reserve alone; otherwise it looks at everything.</param>
    /// <returns>Bytes reported.</returns>
    private ulong RunPass(ulong framesMax, bool isPaced)
    {
        uint registration = Atomic.LoadAcquire(ref _registration); // [R1]
        if (Device is not { } device)
        {
            return 0;
        }

        try
        {
            return RunPass(device, registration, framesMax, isPaced);
        }
        catch (Exception exception)
        {
            NoteFailure(device, exception);
            throw;
        }
        finally
        {
            if (IsClosed)
            {
                Detach();
            }
        }
    }

    private ulong RunPass(IReportingDevice device, uint registration, ulong framesMax, bool isPaced)
    {
        Invariant.Assert(IsReportingHere && !IsIsolating, "A pass begins without the pass lock, or while blocks of another one are out.");
        Atomic.StoreRelease(ref _passes, _passes + 1);
        uint pressureRequests = Atomic.LoadAcquire(ref _pressureRequests);
        Span<FrameRange> ranges = stackalloc FrameRange[Capacity];
        ulong reported = 0;
        bool goesOn = true;
        Order smallest = device.SmallestOrder;
        _frames.Begin(Larger(Options.Blocks, smallest), Larger(Options.Pieces, smallest), restart: !isPaced);
        _foundAny &= isPaced;
        IPageRelease? helpers = isPaced ? null : HelpersOf(device);
        while (goesOn && reported < framesMax && Atomic.LoadAcquire(ref _registration) == registration) // [R1]
        {
            ulong wanted = framesMax - reported;
            ulong spare = Atomic.LoadAcquire(ref _pressureRequests) == pressureRequests ? CountSpare() : 0;
            int found = 0;
            ulong frames = 0;
            if (spare != 0)
            {
                found = ReportNext(device, ranges, wanted, spare, out frames);
                if (found == 0 && !isPaced && spare < Order.Max.Frames && !_frames.IsAtEnd)
                {
                    // Whoever asks for everything gets the last blocks as well, one at a time, so that at most one of them is missing at any moment.
                    found = ReportNext(device, ranges[..1], wanted, ulong.MaxValue, out frames);
                }
            }

            reported += frames;
            goesOn = frames != 0;
            if (goesOn && helpers?.IsWorth(reported << Pfn.FrameShift) == true)
            {
                // What went so far shows that this is no small one.
                goesOn = TryReportShared(device, helpers, registration, pressureRequests, out frames);
                reported += frames;
                helpers = null;
            }

            if (found == 0 && spare < wanted && !_frames.IsAtEnd)
            {
                Atomic.StoreRelease(ref _pressureStops, _pressureStops + 1);
            }
        }

        Invariant.Assert(!IsIsolating && Atomic.LoadAcquire(ref _isolatedFrames) == 0, "A pass ends while blocks are out.");
        SettleAtEnd();
        Invariant.Assert(reported <= framesMax, $"A pass of at most {framesMax} frames reported {reported}.");
        return reported << Pfn.FrameShift;
    }

    private static Order Larger(Order left, Order right) => left > right ? left : right;

    /// <summary>Frames that are free beyond the reserve, counted no further than a call can take.</summary>
    private ulong CountSpare()
    {
        ulong most = Math.Max((ulong)Capacity << Options.BlockOrder, Order.Max.Frames);
        ulong free = _frames.CountFree(ReserveFrames + most);
        Invariant.Assert(ReserveFrames <= _frames.Frames.Zone.FrameCount, $"{ReserveFrames} frames are kept free of {_frames.Frames.Zone.FrameCount}.");
        return free - Math.Min(free, ReserveFrames);
    }

    /// <summary>Reports the next few blocks.</summary>
    /// <param name="device">Whom to tell.</param>
    /// <param name="ranges">Room for the blocks.</param>
    /// <param name="framesMax">Most frames to tell of.</param>
    /// <param name="freeMax">Most frames to take away from the free ones.</param>
    /// <param name="frames">Frames of the blocks that the operating system may have held: 0 when the device failed.</param>
    /// <returns>Blocks found.</returns>
    private int ReportNext(IReportingDevice device, Span<FrameRange> ranges, ulong framesMax, ulong freeMax, out ulong frames)
    {
        FrameContent content = FrameContent.Unknown;
        string failure = "";
        int count = 0;
        frames = 0;
        Atomic.Add(ref _isolating, 1); // [R2]
        try
        {
            count = _frames.Isolate(ranges, framesMax, freeMax);
            frames = NoteIsolated(ranges[..count]);
            Invariant.Assert(frames <= framesMax && CountFrames(ranges[..count]) <= freeMax, $"A call of at most {framesMax} frames of {freeMax} took {frames} of {CountFrames(ranges[..count])}.");
            if (count != 0)
            {
                content = CallDevice(device, ranges[..count], out failure);
            }
        }
        finally
        {
            PutBack(ranges[..count], content);
        }

        if (content != FrameContent.Unknown)
        {
            NoteSuccess(count, frames);
            return count;
        }

        frames = 0;
        if (count != 0)
        {
            NoteFailure(device, failure, count);
        }

        return count;
    }

    private ulong NoteIsolated(ReadOnlySpan<FrameRange> isolated)
    {
        ulong held = 0;
        foreach (FrameRange range in isolated)
        {
            Invariant.Assert(range.HeldFrames <= range.Order.Frames, $"The system holds {range.HeldFrames} frames of a block of order {range.Order.Value}.");
            held += range.HeldFrames;
        }

        _foundAny |= !isolated.IsEmpty;
        Atomic.Add(ref _isolatedFrames, CountFrames(isolated));
        return held;
    }

    private static ulong CountFrames(ReadOnlySpan<FrameRange> blocks)
    {
        ulong frames = 0;
        foreach (FrameRange block in blocks)
        {
            frames += block.Order.Frames;
        }

        return frames;
    }

    private void PutBack(ReadOnlySpan<FrameRange> isolated, FrameContent content)
    {
        try
        {
            if (!isolated.IsEmpty)
            {
                _frames.PutBack(isolated, content);
            }
        }
        finally
        {
            Invariant.Assert(IsIsolating && Atomic.LoadAcquire(ref _isolatedFrames) >= CountFrames(isolated), "Blocks are put back that nobody took out.");
            Atomic.Add(ref _isolatedFrames, 0UL - CountFrames(isolated));
            Atomic.Add(ref _isolating, -1); // [R2]
        }
    }

    private void SettleAtEnd()
    {
        Invariant.Assert(IsReportingHere && !IsIsolating, "A pass is settled without the pass lock, or while blocks are out.");
        if (!_frames.IsAtEnd)
        {
            return;
        }

        // Blocks that were freed behind the walk wait for the next one; only a walk that found nothing says that nothing is left.
        if (!_foundAny)
        {
            _pace.Settle(_frames.Sample());
            Atomic.StoreRelease(ref _state, (int)_pace.State);
        }

        _foundAny = false;
    }
}
