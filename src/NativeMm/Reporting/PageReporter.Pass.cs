using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <content>Passes, and what is counted of them.</content>
public sealed partial class PageReporter
{
    // Written by whoever holds the pass lock.
    private ulong _isolatedFrames;
    private bool _foundAny;
    private long _passes;
    private long _deviceCalls;
    private long _deviceFailures;
    private long _reportedBlocks;
    private ulong _reportedBytes;
    private long _pressureStops;
    private int _state;
    private string? _lastFailure;

    /// <summary>Reports everything that is free now, whatever the pace says, and waits for a pass that is under way before.</summary>
    /// <returns>
    /// Bytes that the device took note of, as <see cref="ReporterStatistics.ReportedBytes"/> counts them; 0 when there is no device, and when the
    /// device itself calls this.
    /// </returns>
    public ulong ReportNow()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_passLock.IsHeldByCurrentThread)
        {
            return 0;
        }

        lock (_passLock)
        {
            LetAllocationsGoFirst();
            return RunPass(ulong.MaxValue, restart: true);
        }
    }

    /// <summary>What it did so far.</summary>
    public ReporterStatistics GetStatistics() => new()
    {
        State = (ReporterState)Atomic.LoadAcquire(ref _state),
        Passes = Atomic.LoadAcquire(ref _passes),
        DeviceCalls = Atomic.LoadAcquire(ref _deviceCalls),
        DeviceFailures = Atomic.LoadAcquire(ref _deviceFailures),
        ReportedBlocks = Atomic.LoadAcquire(ref _reportedBlocks),
        ReportedBytes = Atomic.LoadAcquire(ref _reportedBytes),
        PressureStops = Atomic.LoadAcquire(ref _pressureStops),
        LastFailure = Atomic.LoadAcquire(ref _lastFailure!),
    };

    /// <summary>One beat: looks where the frames are, and makes a pass when the pace allows it. For a call every pass interval.</summary>
    /// <returns>Bytes that the device took note of.</returns>
    internal ulong Poll()
    {
        lock (_passLock)
        {
            if (_disposed || Device is null)
            {
                return 0;
            }

            ulong frames = _pace.Advance(_frames.Sample(), _time.GetElapsedTime(0));
            ulong bytes = frames >= Options.Pieces.Frames && !AreAllocationsWaiting ? RunPacedPass(frames) : 0;
            Atomic.StoreRelease(ref _state, (int)_pace.State);
            return bytes;
        }
    }

    private ulong RunPacedPass(ulong framesMax)
    {
        ulong bytes = RunPass(framesMax, restart: false);
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
        while (AreAllocationsWaiting && Environment.TickCount64 < end)
        {
            Thread.Sleep(1);
        }
    }

    private ulong RunPass(ulong framesMax, bool restart)
    {
        if (Device is not { } device)
        {
            return 0;
        }

        Atomic.StoreRelease(ref _passes, _passes + 1);
        uint stopRequests = Atomic.LoadAcquire(ref _stopRequests);
        Span<FrameRange> ranges = stackalloc FrameRange[Capacity];
        ulong spent = 0;
        ulong reported = 0;
        _frames.Begin(Options.Blocks, Options.Pieces, restart);
        _foundAny &= !restart;
        while (spent < framesMax
            && MayGoOn(device, stopRequests)
            && TryReportNext(device, ranges, framesMax - spent, out ulong held, out ulong frames))
        {
            spent += held;
            reported += frames;
        }

        if (_frames.IsAtEnd)
        {
            // Blocks that were freed behind the walk wait for the next one; only a walk that found nothing says that nothing is left.
            if (!_foundAny)
            {
                Settle();
            }

            _foundAny = false;
        }

        return reported << Pfn.FrameShift;
    }

    private bool MayGoOn(IReportingDevice device, uint stopRequests)
    {
        if (Device != device)
        {
            return false;
        }

        bool isTight = Atomic.LoadAcquire(ref _stopRequests) != stopRequests || _frames.CountFree(_reserveFrames) < _reserveFrames;
        if (isTight)
        {
            Atomic.StoreRelease(ref _pressureStops, _pressureStops + 1);
        }

        return !isTight;
    }

    /// <summary>Reports the next few blocks.</summary>
    /// <param name="device">Who is told.</param>
    /// <param name="ranges">Room for the blocks.</param>
    /// <param name="framesMax">Most frames to tell of.</param>
    /// <param name="held">Frames of the blocks that the operating system may have held.</param>
    /// <param name="frames">Those among them that are known to be with the system now. Of blocks that are not remembered nothing is known.</param>
    /// <returns>Whether the pass may go on: there were blocks, and the device did its work.</returns>
    private bool TryReportNext(IReportingDevice device, Span<FrameRange> ranges, ulong framesMax, out ulong held, out ulong frames)
    {
        held = 0;
        frames = 0;
        ulong isolatedFrames = 0;
        _quiet.Reset(); // [R2]
        Span<FrameRange> isolated = ranges[.._frames.Isolate(ranges, framesMax)];
        foreach (FrameRange range in isolated)
        {
            bool isRemembered = range.Order >= _frames.SmallestRemembered;
            isolatedFrames += range.Order.Frames;
            held += range.HeldFrames;
            frames += isRemembered ? range.HeldFrames : 0;
            _foundAny |= isRemembered;
        }

        Atomic.StoreRelease(ref _isolatedFrames, isolatedFrames);
        FrameContent content = FrameContent.Unknown;
        if (!isolated.IsEmpty)
        {
            content = CallDevice(device, isolated);
            _frames.PutBack(isolated, content);
            Count(isolated.Length, frames, content);
        }

        Atomic.StoreRelease(ref _isolatedFrames, 0UL);
        _quiet.Set(); // [R2]
        frames = content == FrameContent.Unknown ? 0 : frames;
        return content != FrameContent.Unknown;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A device must not be able to keep blocks isolated.")]
    private FrameContent CallDevice(IReportingDevice device, ReadOnlySpan<FrameRange> ranges)
    {
        FrameContent content = FrameContent.Unknown;
        string failure = "the device could not do its work";
        try
        {
            content = device.Report(ranges);
        }
        catch (Exception exception)
        {
            failure = $"{exception.GetType().Name}: {exception.Message}";
        }

        if (content is not (FrameContent.Reported or FrameContent.ReportedZero))
        {
            content = FrameContent.Unknown;
            failure = $"{device.GetType().Name}: {failure}";
            Atomic.StoreRelease(ref _lastFailure!, failure);
            Atomic.StoreRelease(ref _deviceFailures, _deviceFailures + 1);
            NativeMmEventSource.Log.ReportingFailed(failure, ranges.Length);
        }

        return content;
    }

    private void Count(int blocks, ulong frames, FrameContent content)
    {
        Atomic.StoreRelease(ref _deviceCalls, _deviceCalls + 1);
        if (content != FrameContent.Unknown)
        {
            Atomic.StoreRelease(ref _reportedBlocks, _reportedBlocks + blocks);
            Atomic.StoreRelease(ref _reportedBytes, _reportedBytes + (frames << Pfn.FrameShift));
        }
    }

    private void Settle()
    {
        _pace.Settle(_frames.Sample());
        Atomic.StoreRelease(ref _state, (int)_pace.State);
    }
}
