using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A guest comes, two close; what the guest touches goes when the gate is empty.</summary>
internal sealed class EndGateCase : Case
{
    private EndGate _gate;

    public override string Claim => "no guest is inside when closing returns, and of those who close one is the first";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("EndGate[E1]"), new("EndGate[E1]", Weakening.Dropped), new("EndGate[E2]"), new("EndGate[E3]", Weakening.Dropped), new("EndGate[E3]", Weakening.Split),
    ];

    public override void Prepare(Plan plan)
    {
        _gate = default;
        var memory = new Cell("memory", 1);
        int firsts = 0;
        plan.Thread("guest", () =>
            {
                if (_gate.TryEnter())
                {
                    Plan.Check(memory.Value == 1, "a guest touches what is gone");
                    _gate.Exit();
                }
            })
            .Thread("closer", () =>
            {
                if (_gate.Close())
                {
                    firsts++;
                    memory.Value = 0;
                }
            })
            .Thread("other closer", () =>
            {
                if (_gate.Close())
                {
                    firsts++;
                    memory.Value = 0;
                }
            })
            .AtEnd(() => Plan.Check(firsts == 1 && _gate.Guests == 0, $"{firsts} closed first, {_gate.Guests} inside"));
    }
}
