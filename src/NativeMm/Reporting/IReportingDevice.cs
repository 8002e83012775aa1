using NativeMm.Frames;

namespace NativeMm.Reporting;

/// <summary>Somebody who can make use of memory that nobody uses: the operating system, a host, a test.</summary>
public interface IReportingDevice
{
    /// <summary>
    /// Takes note that blocks are free. They are isolated while this runs: nobody allocates them, and the device may do with their pages what
    /// it likes. When it returns they may be handed out at any moment.
    /// </summary>
    /// <param name="ranges">
    /// 1 to <see cref="PageReporter.Capacity"/> blocks, of several sizes with a buddy allocator. The memory of the span is the reporter's.
    /// </param>
    /// <returns>
    /// What became of the pages, of all of them alike; <see cref="FrameContent.Unknown"/> when the device could not do its work. That counts
    /// as a failure, as an exception does: the blocks stay free and unreported, and the pass ends.
    /// </returns>
    /// <remarks>
    /// One call at a time, on whatever thread reports. It must not wait for another thread that allocates from the same frames. It may call
    /// <see cref="PageReporter.Unregister"/>.
    /// </remarks>
    FrameContent Report(ReadOnlySpan<FrameRange> ranges);
}
