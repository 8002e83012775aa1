using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Explorer.Cases;

/// <summary>A device that takes the pages of what it is told of, and that may end.</summary>
internal sealed class CellDevice(FrameFixture zone) : IReportingDevice
{
    private readonly Cell _isAlive = new("device", 1);

    public Order SmallestOrder => new(LockFreeFrameAllocator.GranuleOrder);

    public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
    {
        Plan.Check(_isAlive.Value == 1, "a device is called that was unregistered");
        foreach (FrameRange range in ranges)
        {
            zone.Discard(range.Frame, range.Order);
        }

        return FrameContent.ReportedZero;
    }

    /// <summary>Whoever unregistered it may do away with it.</summary>
    public void End() => _isAlive.Value = 0;
}
