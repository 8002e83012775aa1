using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Heap;

/// <summary>Threads that .NET has let go of, and that run managed code all the same.</summary>
public sealed class ThreadExitTests
{
    [LinuxFact]
    public void A_native_destructor_shares_its_threads_cache_with_nobody()
    {
        ChildResult child = ChildProcess.Run("thread-exit");
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("0 0 1", child.Output.Trim());
    }

    [LinuxFact]
    public void A_thread_is_gone_when_the_system_has_let_go_of_it()
    {
        OwnerThread? owner = null;
        using var over = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            owner = OwnerThread.Current;
            Assert.Same(owner, OwnerThread.Current);
            over.Wait(StartGate.DefaultTimeout);
        });
        thread.Start();
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref owner) is not null, StartGate.DefaultTimeout));
        Assert.False(owner!.HasLeft);
        Assert.False(owner.IsGone);
        Assert.False(owner.HasNumberOf(OwnerThread.Current));
        over.Set();
        Assert.True(thread.Join(StartGate.DefaultTimeout));
        Assert.True(owner.HasLeft);
        Assert.True(SpinWait.SpinUntil(() => owner.IsGone, StartGate.DefaultTimeout));
        Assert.False(OwnerThread.Current.IsGone);
    }
}
