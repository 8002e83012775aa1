using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>
/// Writes down what it is told, and passes it on to another device if it has one. For tests and for looking on: what is written down grows with
/// each call until <see cref="Clear"/>. Thread-safe.
/// </summary>
/// <param name="next">Who does the work; null for nobody: then the content of the pages stays as it is.</param>
public sealed class RecordingDevice(IReportingDevice? next = null) : IReportingDevice
{
    private SleepLock _lock;
    private readonly List<FrameRange[]> _calls = [];

    /// <summary>A copy of the ranges of each call so far, in order.</summary>
    public IReadOnlyList<FrameRange[]> Calls
    {
        get
        {
            using (_lock.EnterScope())
            {
                return [.. _calls];
            }
        }
    }

    /// <summary>All ranges of all calls so far, in order.</summary>
    public IReadOnlyList<FrameRange> Ranges => [.. Calls.SelectMany(call => call)];

    /// <summary>Forgets what was written down.</summary>
    public void Clear()
    {
        using (_lock.EnterScope())
        {
            _calls.Clear();
        }
    }

    /// <inheritdoc/>
    public bool Supports(ZoneKind zone) => next?.Supports(zone) ?? true;

    /// <inheritdoc/>
    public Order SmallestOrder => next?.SmallestOrder ?? Order.Zero;

    /// <inheritdoc/>
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
    {
        using (_lock.EnterScope())
        {
            _calls.Add(ranges.ToArray());
        }

        return next?.Report(ranges) ?? FrameContent.Reported;
    }
}
