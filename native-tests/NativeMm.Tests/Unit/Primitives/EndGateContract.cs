using Xunit;

namespace NativeMm.Tests.Unit.Primitives;

/// <summary>What every gate does, however it counts its guests.</summary>
public abstract class EndGateContract
{
    private const int GuestThreads = 5;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    /// <summary>A gate, as the tests see it.</summary>
    public interface IGate
    {
        bool IsClosed { get; }

        int Guests { get; }

        bool TryEnter();

        void Exit();

        bool Close();
    }

    /// <summary>Makes an open one.</summary>
    protected abstract IGate Make();

    [Fact]
    public void Guests_come_and_go_until_it_is_closed()
    {
        IGate gate = Make();
        Assert.True(gate.TryEnter());
        Assert.True(gate.TryEnter());
        Assert.Equal(2, gate.Guests);
        gate.Exit();
        gate.Exit();
        Assert.False(gate.IsClosed);
        Assert.True(gate.Close());
        Assert.True(gate.IsClosed);
        Assert.False(gate.TryEnter());
        Assert.Equal(0, gate.Guests);
        Assert.False(gate.Close());
    }

    [Fact]
    public void Whoever_closes_it_waits_for_the_guests_of_every_thread()
    {
        IGate gate = Make();
        using var mayLeave = new SemaphoreSlim(0);
        Thread[] guests = [.. Enumerable.Range(0, GuestThreads).Select(_ => new Thread(() =>
        {
            Assert.True(gate.TryEnter());
            mayLeave.Wait(s_timeout);
            gate.Exit();
        })
        { IsBackground = true })];
        Array.ForEach(guests, guest => guest.Start());
        Assert.True(SpinWait.SpinUntil(() => gate.Guests == GuestThreads, s_timeout));
        var closer = new Thread(() => gate.Close()) { IsBackground = true };
        closer.Start();
        Assert.True(SpinWait.SpinUntil(() => gate.IsClosed, s_timeout));
        for (int left = GuestThreads; left > 0; left--)
        {
            Assert.False(gate.TryEnter());
            Assert.False(closer.Join(5));
            mayLeave.Release();
            int others = left - 1;
            Assert.True(SpinWait.SpinUntil(() => gate.Guests == others, s_timeout));
        }

        Assert.True(closer.Join(s_timeout));
        Assert.All(guests, guest => Assert.True(guest.Join(s_timeout)));
    }

    [Fact]
    public void Nobody_is_inside_after_it_was_closed_whoever_comes()
    {
        for (int round = 0; round < 200; round++)
        {
            IGate gate = Make();
            bool isGone = false;
            bool metTheEnd = false;
            Thread[] guests = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
            {
                while (gate.TryEnter())
                {
                    if (Volatile.Read(ref isGone))
                    {
                        Volatile.Write(ref metTheEnd, true);
                    }

                    gate.Exit();
                }
            })
            { IsBackground = true })];
            Array.ForEach(guests, guest => guest.Start());
            Thread.SpinWait(round * 20);
            Assert.True(gate.Close());
            Volatile.Write(ref isGone, true);
            Assert.All(guests, guest => Assert.True(guest.Join(s_timeout)));
            Assert.False(metTheEnd);
        }
    }
}
