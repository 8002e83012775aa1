using NativeMm.Frames;
using NativeMm.Reporting;
using Xunit.Sdk;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>A device that does what a test says.</summary>
/// <param name="report">Gets a copy of the ranges.</param>
internal sealed class ScriptedDevice(Func<FrameRange[], FrameContent> report) : IReportingDevice
{
    private XunitException? _problem;

    /// <inheritdoc/>
    public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
    {
        try
        {
            return report(ranges.ToArray());
        }
        catch (XunitException problem)
        {
            Interlocked.CompareExchange(ref _problem, problem, null);
            throw;
        }
    }

    /// <summary>
    /// Fails the test when an assertion inside the device failed: to the reporter that was a device that throws, which it survives.
    /// </summary>
    public void AssertNoProblem()
    {
        if (_problem is { } problem)
        {
            throw new XunitException(problem.Message, problem);
        }
    }
}
