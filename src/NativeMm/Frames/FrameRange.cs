using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>A block of page frames and where it lies in memory.</summary>
/// <param name="Frame">First frame.</param>
/// <param name="Order">Size of the block.</param>
/// <param name="Address">Address of its first byte, a multiple of the block's size within the zone.</param>
public readonly record struct FrameRange(Pfn Frame, Order Order, nuint Address)
{
    /// <summary>Length in bytes.</summary>
    public nuint Bytes => Order.Bytes;

    /// <summary>Frames of an isolated block that the operating system has been told of before and that nobody used since.</summary>
    internal uint ReportedFrames { get; init; }

    /// <summary>The other frames of the block: those that the operating system may hold, and that a report can give back.</summary>
    internal uint HeldFrames => Order.Frames - ReportedFrames;
}
