using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Concurrency.Primitives;

/// <summary>Whoever waited for long has the lock before those who come later, or come again.</summary>
public sealed class SleepLockLineTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private readonly List<int> _turns = [];
    private SleepLock _lock;

    [Fact]
    public void Who_gives_the_lock_up_does_not_get_it_again_before_the_one_who_waits()
    {
        using var mayLeave = new ManualResetEventSlim();
        _lock.Enter();
        Thread waiter = StartInLine(1, () => Assert.True(mayLeave.Wait(s_timeout)));

        // The holder himself may always enter once more.
        Assert.True(_lock.TryEnter());
        _lock.Exit();
        _lock.Exit();
        Assert.False(_lock.TryEnter());
        mayLeave.Set();
        _lock.Enter();
        Assert.Equal([1], _turns);
        _lock.Exit();
        Assert.True(waiter.Join(s_timeout));
        Assert.Equal(0, _lock.Line);
        Assert.True(_lock.TryEnter());
        _lock.Exit();
    }

    [Fact]
    public void Those_who_waited_for_long_have_their_turns_in_order()
    {
        _lock.Enter();
        Thread[] waiters = [.. Enumerable.Range(1, 4).Select(number => StartInLine(number, () => { }))];
        _lock.Exit();
        Assert.All(waiters, waiter => Assert.True(waiter.Join(s_timeout)));
        Assert.Equal([1, 2, 3, 4], _turns);
        Assert.Equal(0, _lock.Line);
    }

    [Fact]
    public void An_interrupt_does_not_lose_a_turn()
    {
        _lock.Enter();
        bool wasInterrupted = false;
        Thread first = StartInLine(1, () => wasInterrupted = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException);
        Thread second = StartInLine(2, () => { });
        first.Interrupt();
        _lock.Exit();
        Assert.True(first.Join(s_timeout) && second.Join(s_timeout));
        Assert.Equal([1, 2], _turns);
        Assert.True(wasInterrupted);
    }

    /// <summary>Starts a thread that wants the lock, and waits until it has drawn a ticket.</summary>
    private Thread StartInLine(int number, Action inside)
    {
        var thread = new Thread(() =>
        {
            using (_lock.EnterScope())
            {
                _turns.Add(number);
                inside();
            }
        })
        { IsBackground = true };
        thread.Start();
        Assert.True(SpinWait.SpinUntil(() => _lock.Line == number, s_timeout), "It drew no ticket.");
        return thread;
    }
}
