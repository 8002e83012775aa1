using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

public sealed class IdleProcessTests
{
    /// <summary>The threads of the library sleep for longer than a second when nothing happens, and are there again when something does.</summary>
    [LinuxFact]
    public void IdleProcessWakesUpLessThanOnceASecond()
    {
        ChildResult child = ChildProcess.Run("idle-process");
        Assert.True(child.ExitCode == 0, $"{child.ExitCode}\n{child.Output}{child.Error}");
    }

    [Fact]
    public void ListenerOfMetersMayUseTheSharedHeapFromTheFirstInstrumentOn()
    {
        ChildResult child = ChildProcess.Run("meter-listener");
        Assert.True(child.ExitCode == 0, $"{child.ExitCode}\n{child.Output}{child.Error}");
    }
}
