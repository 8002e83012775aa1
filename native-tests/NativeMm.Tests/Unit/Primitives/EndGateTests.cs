using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Primitives;

public sealed class EndGateTests : EndGateContract
{
    [Fact]
    public void A_visit_to_a_closed_gate_says_whose_it_was_and_leaves_no_guest()
    {
        var gate = default(EndGate);
        Assert.True(gate.Close());
        Assert.Contains(nameof(EndGateTests), Assert.Throws<ObjectDisposedException>(() =>
        {
            using EndGate.Visit inside = gate.Visiting(this);
        }).ObjectName, StringComparison.Ordinal);
        Assert.Equal(0, gate.Guests);
    }

    protected override IGate Make() => new Gate();

    private sealed class Gate : IGate
    {
        private EndGate _gate;

        public bool IsClosed => _gate.IsClosed;

        public int Guests => _gate.Guests;

        public bool TryEnter() => _gate.TryEnter();

        public void Exit() => _gate.Exit();

        public bool Close() => _gate.Close();
    }
}
