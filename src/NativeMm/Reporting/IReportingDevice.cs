using NativeMm.Frames;
using NativeMm.Primitives;

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
    /// as a failure, as an exception does: the blocks stay free and unreported, and the pass ends. In a zone of kind
    /// <see cref="ZoneKind.Mappable"/>, <see cref="FrameContent.ReportedZero"/> of others than the zone's own <see cref="PunchHoleDevice"/> counts as
    /// <see cref="FrameContent.Reported"/>.
    /// </returns>
    /// <remarks>
    /// <para>One call at a time, on whatever thread reports.</para>
    /// <para>
    /// The device may, on the thread that it is called on, use everything of the <see cref="PageReporter"/>: <see cref="PageReporter.Register"/>,
    /// <see cref="PageReporter.Unregister"/> and <see cref="PageReporter.Dispose"/> take effect when it returns, and
    /// <see cref="PageReporter.ReportNow"/> does nothing. After a Dispose the frames must stay until the pass is over, which is when the one
    /// who called for it, or a second Dispose from elsewhere, comes back. Of a runtime, Trim does nothing, and Validate and Dispose are
    /// refused. The device may allocate and free frames; an allocation that could only be served by the blocks under report fails.
    /// </para>
    /// <para>
    /// The device must not put the blocks back or free them: the reporter does. It must not wait for another thread that does any of the
    /// above, nor for one that allocates from the same frames, because that one may wait for the device. For the same reason it must not use
    /// heaps, pools or ranges over these frames, or the statistics of their runtime: their locks may be held by somebody who waits.
    /// </para>
    /// </remarks>
    FrameContent Report(ReadOnlySpan<FrameRange> ranges);

    /// <summary>
    /// Whether the device can do its work for memory of a kind. Asked once, when it is registered. A device that passes the ranges on to
    /// another one answers as that one does.
    /// </summary>
    /// <param name="zone">What the zone is made of.</param>
    /// <returns>True if it can; the default is true for each kind. False refuses the registration.</returns>
    bool Supports(ZoneKind zone) => true;

    /// <summary>
    /// The smallest blocks that the device can do its work for; a reporter offers it no smaller ones, whatever its options say. Order 0 unless
    /// the device says otherwise. A device that passes the ranges on to another one answers as that one does. Does not change.
    /// </summary>
    Order SmallestOrder => Order.Zero;
}
