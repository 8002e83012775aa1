using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <content>Calls of the device, and what is counted.</content>
public sealed partial class PageReporter
{
    private const string DeviceRefused = "the device could not do its work";

    // Written by whoever holds the pass lock; while several threads make a pass, under the lock of their walk.
    private long _passes;
    private long _deviceCalls;
    private long _deviceFailures;
    private long _reportedBlocks;
    private ulong _reportedBytes;
    private long _pressureStops;
    private int _state;
    private string? _lastFailure;
    private string? _untold;
    private int _untoldBlocks;

    /// <summary>What it did so far.</summary>
    /// <returns>The figures, a copy that does not change any more; they count on when another device is registered.</returns>
    public ReporterStatistics GetStatistics() => new()
    {
        State = Device is null ? ReporterState.Idle : (ReporterState)Atomic.LoadAcquire(ref _state),
        Passes = Atomic.LoadAcquire(ref _passes),
        DeviceCalls = Atomic.LoadAcquire(ref _deviceCalls),
        DeviceFailures = Atomic.LoadAcquire(ref _deviceFailures),
        ReportedBlocks = Atomic.LoadAcquire(ref _reportedBlocks),
        ReportedBytes = Atomic.LoadAcquire(ref _reportedBytes),
        PressureStops = Atomic.LoadAcquire(ref _pressureStops),
        LastFailure = Atomic.LoadAcquire(ref _lastFailure!),
    };

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A device must not be able to keep blocks isolated.")]
    private FrameContent CallDevice(IReportingDevice device, ReadOnlySpan<FrameRange> ranges, out string failure)
    {
        Invariant.Assert(IsIsolating && IsReportingHere && !ranges.IsEmpty, "A device is called with blocks that are not out, or without the pass lock.");
        Atomic.StoreRelease(ref _deviceCalls, _deviceCalls + 1);
        failure = DeviceRefused;
        try
        {
            return Believed(device, device.Report(ranges));
        }
        catch (Exception exception)
        {
            failure = FailureText.Of(exception);
            return FrameContent.Unknown;
        }
    }

    /// <summary>
    /// What to believe of what a device says. The pages of a memory file stay in the file whatever is advised on a mapping of it, and a device
    /// inside another one may not know: they are never taken for zero, unless the device took them out of this very file.
    /// </summary>
    private FrameContent Believed(IReportingDevice device, FrameContent content) => content switch
    {
        FrameContent.ReportedZero when _frames.Frames.Zone is { Kind: ZoneKind.Mappable } zone && (device as PunchHoleDevice)?.Zone != zone => FrameContent.Reported,
        FrameContent.Reported or FrameContent.ReportedZero => content,
        _ => FrameContent.Unknown,
    };

    private void NoteSuccess(int blocks, ulong frames)
    {
        Invariant.Assert(blocks > 0, $"{blocks} blocks were reported.");
        Atomic.StoreRelease(ref _reportedBlocks, _reportedBlocks + blocks);
        Atomic.StoreRelease(ref _reportedBytes, _reportedBytes + (frames << Pfn.FrameShift));
        _backoff.Reset();
    }

    /// <summary>A pass broke off with an exception that is not the device's own.</summary>
    private void NoteFailure(IReportingDevice device, Exception exception) => NoteFailure(device, FailureText.Of(exception), 0);

    private void NoteFailure(IReportingDevice device, string failure, int blocks)
    {
        Invariant.Assert(IsReportingHere && blocks >= 0, $"A failure of the device is noted for {blocks} blocks, without the pass lock.");
        failure = $"{device.GetType().Name}: {failure}";
        Atomic.StoreRelease(ref _lastFailure!, failure);
        Atomic.StoreRelease(ref _deviceFailures, _deviceFailures + 1);
        _backoff.NoteFailure(_time.GetElapsedTime(0));
        _untold ??= failure;
        _untoldBlocks = blocks;
    }

    /// <summary>
    /// Leaves the event of a device that failed. Whoever made passes calls it when he holds no lock any more. Of several failures that nobody told of
    /// yet the first is told.
    /// </summary>
    internal void TellFailure()
    {
        // A stale look leaves the event to whoever comes next.
        if (_untold is null || IsReportingHere)
        {
            return;
        }

        string? failure;
        int blocks;
        using (_passLock.EnterScope())
        {
            failure = _untold;
            blocks = _untoldBlocks;
            _untold = null;
        }

        if (failure is not null)
        {
            NativeMmEventSource.Log.ReportingFailed(failure, blocks);
        }
    }
}
