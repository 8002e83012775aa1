using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Primitives;

public sealed class EndGateTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private EndGate _gate;

    [Fact]
    public void Guests_come_and_go_until_it_is_closed()
    {
        Assert.True(_gate.TryEnter());
        Assert.True(_gate.TryEnter());
        Assert.Equal(2, _gate.Guests);
        _gate.Exit();
        _gate.Exit();
        Assert.False(_gate.IsClosed);
        Assert.True(_gate.Close());
        Assert.True(_gate.IsClosed);
        Assert.False(_gate.TryEnter());
        Assert.Equal(0, _gate.Guests);
        Assert.False(_gate.Close());
        Assert.Throws<ObjectDisposedException>(() =>
        {
            using EndGate.Visit inside = _gate.Visiting(this);
        });
        Assert.Equal(0, _gate.Guests);
    }

    [Fact]
    public void Whoever_closes_it_waits_for_the_guests_that_are_inside()
    {
        bool closed = false;
        Assert.True(_gate.TryEnter());
        var closer = new Thread(() =>
        {
            _gate.Close();
            Volatile.Write(ref closed, true);
        })
        { IsBackground = true };
        closer.Start();
        Assert.True(SpinWait.SpinUntil(() => _gate.IsClosed, s_timeout));
        Assert.False(_gate.TryEnter());
        Assert.False(closer.Join(20));
        Assert.False(Volatile.Read(ref closed));
        _gate.Exit();
        Assert.True(closer.Join(s_timeout));
        Assert.True(closed);
    }

    [Fact]
    public void Nobody_is_inside_after_it_was_closed_whoever_comes()
    {
        for (int round = 0; round < 200; round++)
        {
            var box = new Box();
            Thread[] guests = [.. Enumerable.Range(0, 3).Select(_ => new Thread(box.VisitUntilClosed) { IsBackground = true })];
            Array.ForEach(guests, guest => guest.Start());
            Thread.SpinWait(round * 20);
            Assert.True(box.Gate.Close());
            Volatile.Write(ref box.IsGone, true);
            Assert.All(guests, guest => Assert.True(guest.Join(s_timeout)));
            Assert.False(box.MetTheEnd);
        }
    }

    private sealed class Box
    {
        public EndGate Gate;
        public bool IsGone;
        public bool MetTheEnd;

        public void VisitUntilClosed()
        {
            while (Gate.TryEnter())
            {
                MetTheEnd |= Volatile.Read(ref IsGone);
                Gate.Exit();
            }
        }
    }
}
