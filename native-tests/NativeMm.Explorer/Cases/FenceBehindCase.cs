using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>
/// Of the model itself: two stores, and behind them a full fence that is no stop by itself, a change of a word that nobody else has, or the end of the thread. Without an order
/// between the stores that fence must not make up for it, because who looks may be before it.
/// </summary>
internal sealed class FenceBehindCase : Case
{
    private const int LineBytes = 128;
    private const string UnorderedBeforeChange = "the second store tells nothing, and a change of a word of its own follows";
    private const string UnorderedBeforeEnd = "the second store tells nothing, and the thread ends";

    public override string Claim => "who sees the second of two stores sees the first";

    public override IReadOnlyList<BadCopy> BadCopies => [new(UnorderedBeforeChange, Weakening.Protocol), new(UnorderedBeforeEnd, Weakening.Protocol)];

    public override unsafe void Prepare(Plan plan)
    {
        ulong* words = (ulong*)Arena.Take(3 * LineBytes);
        ulong* first = words;
        ulong* second = words + (LineBytes / sizeof(ulong));
        ulong* own = words + (2 * LineBytes / sizeof(ulong));
        plan.Thread("writer", () =>
            {
                CaseAtomics.StoreRelaxed(ref *first, 1);
                if (WrongStep.Length != 0)
                {
                    CaseAtomics.StoreRelaxed(ref *second, 1);
                }
                else
                {
                    CaseAtomics.StoreRelease(ref *second, 1);
                }

                if (WrongStep != UnorderedBeforeEnd)
                {
                    CaseAtomics.Add(ref *own, 1);
                }
            })
            .Thread("reader", () =>
            {
                ulong later = CaseAtomics.LoadRelaxed(ref *second);
                CaseAtomics.Fence();
                ulong earlier = CaseAtomics.LoadRelaxed(ref *first);
                Plan.Check(later == 0 || earlier == 1, "the second store was seen, and the first was not");
            });
    }
}
