using NativeMm.Eviction;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>An item leaves and comes in again, and another thread takes it in at the same time.</summary>
internal sealed unsafe class EvictionHistoryCase : Case
{
    private const int Bits = 8;
    private const ulong Item = 0x123;
    private const uint Past = 0x5a;

    public override string Claim => "what an item left behind is found by somebody, whole, and is not there any more then";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("EvictionHistory[H1]", Weakening.Dropped), new("EvictionHistory[H2]", Weakening.Dropped), new("EvictionHistory[H3]", Weakening.Dropped),
    ];

    public override void Prepare(Plan plan)
    {
        var history = default(EvictionHistory);
        history.Attach((byte*)Arena.Take(EvictionHistory.LineBytes), items: 1, Bits);
        uint found = 0;
        uint foundByOther = 0;
        plan.Thread("cache", () =>
            {
                history.Put(Item, Past);
                found = history.Take(Item);
            })
            .Thread("other", () => foundByOther = history.Take(Item))
            .AtEnd(() =>
            {
                Plan.Check(found is 0 or Past && foundByOther is 0 or Past, $"{found:x} and {foundByOther:x} were found, and {Past:x} was left");
                Plan.Check((found | foundByOther) != 0, "nobody found what was left");
                Plan.Check(history.Take(Item) == 0, "what was taken is still there");
            });
    }
}
