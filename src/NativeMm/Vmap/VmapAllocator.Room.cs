using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Vmap;

/// <content>Room in a container's limit, which ranges share with everything else that the process has.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>Who is asked for room before the system has to find memory for frames; null for nobody.</summary>
    internal IRoomKeeper? Room { get; set; }

    /// <summary>Bytes that the operating system may hold for frames. An estimate.</summary>
    internal ulong BackedBytes => (ulong)_reporter.CountBackedFrames() << Pfn.FrameShift;

    /// <summary>
    /// For whoever lacks room and may hold a lock of his own: unmaps everything that waits for it and gives free frames back. Nothing is called that is not the library's.
    /// </summary>
    /// <returns>Bytes given back.</returns>
    internal ulong GiveBackUnlessEnded()
    {
        if (!_canMap || _reporter is not { Device: PunchHoleDevice } || _reporter.IsReportingHere || !_end.TryEnter())
        {
            return 0;
        }

        try
        {
            Invariant.Assert(!_reporter.IsReportingHere, "What a device reports is given back once more by itself.");
            PurgeEverything();
            return _reporter.ReportUnlessClosed();
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>Before a range is made. Free frames that the system has serve first.</summary>
    private void MakeRoomFor(ulong pages)
    {
        if (Room is not { } room)
        {
            return;
        }

        ulong there = _reporter.CountUnreportedFrames();
        if (pages > there)
        {
            Invariant.Assert(pages <= _windowPages, $"Room for {pages} pages is asked for, of a window of {_windowPages}.");
            nuint bytes = (nuint)(pages - there) << Pfn.FrameShift;
            room.MakeRoom(bytes);
            room.NoteTaken(bytes);
        }
    }
}
