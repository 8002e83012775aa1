using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

public sealed class IdleProcessTests
{
    /// <summary>The threads of the library sleep for longer than a second when nothing happens, and are there again when something does.</summary>
    [LinuxFact]
    public void Idle_process_wakes_up_less_than_once_a_second()
    {
        ChildResult child = ChildProcess.Run("idle-process");
        Assert.True(child.ExitCode == 0, $"{child.ExitCode}\n{child.Output}{child.Error}");
    }

    [Fact]
    public void Listener_of_meters_may_use_the_shared_heap_from_the_first_instrument_on()
    {
        ChildResult child = ChildProcess.Run("meter-listener");
        Assert.True(child.ExitCode == 0, $"{child.ExitCode}\n{child.Output}{child.Error}");
    }
}
