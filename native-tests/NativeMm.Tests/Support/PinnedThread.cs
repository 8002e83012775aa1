using System.Runtime.ExceptionServices;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>Runs a body on a thread that stays on one processor, so that "this core" is the same throughout.</summary>
internal static class PinnedThread
{
    /// <summary>The processors that there are for this process; one of them twice where there is only one.</summary>
    public static (CoreId First, CoreId Second) TwoCores()
    {
        Assert.True(ThreadAffinity.Get(out CoreSet cores).Succeeded);
        IReadOnlyList<CoreId> all = cores.ToList();
        return (all[0], all[^1]);
    }

    /// <summary>Runs a body on any one processor, where threads can be pinned; elsewhere on this thread.</summary>
    public static void RunOnOneCore(Action body)
    {
        if (SystemPlatform.IsLinux)
        {
            Run(TwoCores().First, body);
        }
        else
        {
            body();
        }
    }

    /// <summary>Runs the body and waits for its end. What it throws is thrown here.</summary>
    public static void Run(CoreId core, Action body)
    {
        Exception? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.True(ThreadAffinity.Pin(core, out _).Succeeded);
                body();
            }
            catch (Exception thrown)
            {
                problem = thrown;
            }
        })
        { IsBackground = true, Name = $"on core {core}" };
        thread.Start();
        Assert.True(thread.Join(StartGate.DefaultTimeout), $"The thread on core {core} did not end in time.");
        if (problem is not null)
        {
            ExceptionDispatchInfo.Throw(problem);
        }
    }
}
