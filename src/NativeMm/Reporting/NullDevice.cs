using NativeMm.Frames;

namespace NativeMm.Reporting;

/// <summary>Takes note of everything and does nothing: what reporting costs by itself. Thread-safe.</summary>
public sealed class NullDevice : IReportingDevice
{
    /// <inheritdoc/>
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges) => FrameContent.Reported;
}
