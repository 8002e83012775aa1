using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Two guests come by stripes of their own, one closes; what the guests touch goes when all stripes are empty.</summary>
internal sealed class StripedEndGateCase : Case
{
    public override string Claim => "no guest of any stripe is inside when closing returns";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("StripedEndGate[D1]", Weakening.Dropped), new("StripedEndGate[D3]"),
        new("StripedEndGate[D4]"), new("StripedEndGate[D5]"), new("StripedEndGate[D5]", Weakening.Dropped),
    ];

    public override void Prepare(Plan plan)
    {
        var gate = new StripedEndGate(stripes: 2);
        var memory = new Cell("memory", 1);
        ulong inside = 0;
        void Visit()
        {
            if (gate.TryEnter())
            {
                // A moment between the look at the gate and the memory, in which somebody may close it.
                Atomic.StoreRelease(ref inside, 1);
                Plan.Check(memory.Value == 1, "a guest touches what is gone");
                gate.Exit();
            }
        }

        // The stripe is the thread's number: neighbours have different ones.
        plan.Thread("guest", Visit)
            .Thread("other guest", Visit)
            .Thread("closer", () =>
            {
                Plan.Check(gate.Close(), "the gate was closed before");
                memory.Value = 0;
            })
            .AtEnd(() => Plan.Check(gate.IsClosed && gate.Guests == 0, $"{gate.Guests} are inside"));
    }
}
