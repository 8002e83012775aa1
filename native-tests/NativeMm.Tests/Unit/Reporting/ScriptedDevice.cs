using NativeMm.Frames;
using NativeMm.Reporting;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>A device that does what a test says.</summary>
/// <param name="report">Gets a copy of the ranges.</param>
internal sealed class ScriptedDevice(Func<FrameRange[], FrameContent> report) : IReportingDevice
{
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges) => report(ranges.ToArray());
}
