using NativeMm.Eviction;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>Two items of one line leave, while somebody takes in one of them and one that left before.</summary>
internal sealed unsafe class EvictionHistoryLineCase : Case
{
    private const int Bits = 8;
    private const ulong Old = 0x100;
    private const ulong First = 0x101;
    private const ulong Second = 0x102;
    private const string InParts = "the tag of an item is written before its history";

    public override string Claim => "nobody gets the history of another item of the same line";

    public override IReadOnlyList<BadCopy> BadCopies => [new(InParts, Weakening.Protocol)];

    public override void Prepare(Plan plan)
    {
        ulong* line = (ulong*)Arena.Take(EvictionHistory.LineBytes);
        var history = default(EvictionHistory);
        history.Attach((byte*)line, items: 1, Bits);
        history.Put(Old, PastOf(Old));
        plan.Thread("first", () =>
            {
                if (WrongStep == InParts)
                {
                    CaseAtomics.StoreRelease(ref *line, (First << Bits) | PastOf(Old));
                    CaseAtomics.StoreRelease(ref *line, (First << Bits) | PastOf(First));
                }
                else
                {
                    history.Put(First, PastOf(First));
                }
            })
            .Thread("second", () => history.Put(Second, PastOf(Second)))
            .Thread("taker", () =>
            {
                Look(history, First);
                Look(history, Old);
            })
            .AtEnd(() =>
            {
                Look(history, Old);
                Look(history, First);
                Look(history, Second);
            });
    }

    private static uint PastOf(ulong item) => (uint)(item & 3) + 1;

    private static void Look(EvictionHistory history, ulong item)
    {
        uint found = history.Take(item);
        Plan.Check(found == 0 || found == PastOf(item), $"item {item:x} has history {found:x} and left {PastOf(item):x}");
    }
}
