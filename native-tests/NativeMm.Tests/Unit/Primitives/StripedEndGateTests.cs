using NativeMm.Primitives;

namespace NativeMm.Tests.Unit.Primitives;

/// <summary>Each thread of the tests has a stripe of its own, or nearly so.</summary>
public class StripedEndGateTests : EndGateContract
{
    /// <summary>How many stripes.</summary>
    protected virtual int Stripes => 4;

    protected override IGate Make() => new Gate(new StripedEndGate(Stripes));

    private sealed class Gate(StripedEndGate gate) : IGate
    {
        public bool IsClosed => gate.IsClosed;

        public int Guests => gate.Guests;

        public bool TryEnter() => gate.TryEnter();

        public void Exit() => gate.Exit();

        public bool Close() => gate.Close();
    }
}

/// <summary>All share one.</summary>
public sealed class SingleStripeEndGateTests : StripedEndGateTests
{
    protected override int Stripes => 1;
}
