using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Two calls: the one comes back while its time is over, the other never does.</summary>
internal sealed class BlockedCallsCase : Case
{
    private const int CallsMax = 2;

    public override string Claim => "a thread that is left inside counts once, and one that came back does not";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("BlockedCalls[C1]", Weakening.Split), new("BlockedCalls[C1]", Weakening.Dropped), new("BlockedCalls[C2]", Weakening.Split),
        new("BlockedCalls[C2]", Weakening.Dropped), new("BlockedCalls[C3]", Weakening.Split), new("BlockedCalls[C3]", Weakening.Dropped),
        new("BlockedCalls[C4]", Weakening.Split), new("BlockedCalls[C4]", Weakening.Dropped),
    ];

    public override void Prepare(Plan plan)
    {
        var calls = new BlockedCalls();
        var first = new BlockedCalls.Call(calls);
        var second = new BlockedCalls.Call(calls);
        plan.Thread("call", first.Return)
            .Thread("waiter", first.GiveUp)
            .Thread("other waiter", second.GiveUp)
            .Always(() => Plan.Check(calls.Count is >= 0 and <= CallsMax, $"{calls.Count} calls are counted"))
            .AtEnd(() => Plan.Check(calls.Count == 1, $"one call blocks, and {calls.Count} are counted"));
    }
}
