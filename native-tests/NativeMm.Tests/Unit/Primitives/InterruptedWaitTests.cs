using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

/// <summary>Waits on a thread that somebody interrupted: none throws, and the interrupt is there for the thread's own next wait.</summary>
public sealed class InterruptedWaitTests
{
    /// <summary>More than any wait spends awake: past these it sleeps.</summary>
    private const int Rounds = 60;

    [Fact]
    public void Backoff_goes_on() => StartGate.Run(1, _ =>
    {
        Thread.CurrentThread.Interrupt();
        var backoff = default(Backoff);
        for (int i = 0; i < Rounds; i++)
        {
            backoff.Wait();
        }

        AssertInterrupted();
    });

    [Fact]
    public void Sleep_lock_is_taken_all_the_same()
    {
        SleepLock held = default;
        using var isHeld = new ManualResetEventSlim();
        Thread? waiter = null;
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                using (held.EnterScope())
                {
                    isHeld.Set();

                    // The waiter sleeps, or is interrupted and will not sleep any more: either way it has been past its first waits.
                    for (int i = 0; i < Rounds; i++)
                    {
                        Volatile.Read(ref waiter)?.Interrupt();
                        Thread.Sleep(1);
                    }
                }

                return;
            }

            Assert.True(isHeld.Wait(StartGate.DefaultTimeout));
            Thread.CurrentThread.Interrupt();
            Volatile.Write(ref waiter, Thread.CurrentThread);
            using (held.EnterScope())
            {
                Volatile.Write(ref waiter, null);
                Assert.True(held.IsHeldByCurrentThread);
            }

            AssertInterrupted();
        });
        Assert.False(held.IsHeldByCurrentThread);
    }

    [Fact]
    public void Sleep_lock_lets_its_holder_in_again()
    {
        SleepLock held = default;
        using (held.EnterScope())
        {
            using (held.EnterScope())
            {
                Assert.True(held.TryEnter());
                held.Exit();
            }

            Assert.True(held.IsHeldByCurrentThread);
            StartGate.Run(1, _ =>
            {
                Assert.False(held.TryEnter());
                Assert.False(held.IsHeldByCurrentThread);
            });
        }

        StartGate.Run(1, _ =>
        {
            Assert.True(held.TryEnter());
            held.Exit();
        });
    }

    [Fact]
    public void End_of_a_thread_is_awaited() => StartGate.Run(1, _ =>
    {
        Thread waiter = Thread.CurrentThread;
        var ending = new Thread(() => SpinWait.SpinUntil(() => (waiter.ThreadState & ThreadState.WaitSleepJoin) != 0, StartGate.DefaultTimeout));
        ending.Start();
        waiter.Interrupt();
        ThreadEnd.Await(ending);
        Assert.False(ending.IsAlive);
        AssertInterrupted();
    });

    private static void AssertInterrupted() => Assert.Throws<ThreadInterruptedException>(() => Thread.Sleep(1));
}
