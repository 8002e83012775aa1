using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class ThreadAffinityTests
{
    [LinuxFact]
    public void Pinned_thread_runs_on_its_core_until_restored() => StartGate.Run(1, _ =>
    {
        Assert.True(ThreadAffinity.Get(out CoreSet all).Succeeded);
        foreach (CoreId core in all.ToList())
        {
            Assert.True(ThreadAffinity.Pin(core, out CoreSet previous).Succeeded);
            Assert.Equal(all, previous);
            Assert.True(ThreadAffinity.Get(out CoreSet pinned).Succeeded);
            Assert.Equal(CoreSet.Of(core), pinned);

            // The runtime's cached number of the core is renewed every so many calls.
            int seen = -1;
            for (int i = 0; i < 10_000 && seen != core.Value; i++)
            {
                seen = CoreId.CurrentHint.Value;
            }

            Assert.Equal(core.Value, seen);
            Assert.True(ThreadAffinity.Set(previous).Succeeded);
            Assert.True(ThreadAffinity.Get(out CoreSet restored).Succeeded);
            Assert.Equal(all, restored);
        }
    });

    [LinuxFact]
    public void Core_that_is_not_there_is_refused() => StartGate.Run(1, _ =>
    {
        Assert.True(ThreadAffinity.Get(out CoreSet before).Succeeded);
        Assert.Equal(ErrorNumber.Invalid, ThreadAffinity.Pin(new CoreId(60_000), out CoreSet previous).Errno);
        Assert.Equal(ErrorNumber.Invalid, ThreadAffinity.Set(CoreSet.Empty).Errno);
        Assert.True(ThreadAffinity.Get(out CoreSet after).Succeeded);
        Assert.Equal(before, after);
        Assert.Equal(before, previous);
    });
}
