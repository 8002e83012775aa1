using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Whether all of it holds.</content>
internal sealed unsafe partial class VmaTree
{
    /// <summary>Checks every node and record. The caller holds the space's lock in either way.</summary>
    /// <returns>What was counted.</returns>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public (long Areas, ulong Pages, long Nodes) Validate()
    {
        Invariant.Check(_root == (nuint)_working, "The tree of areas was edited and not published.");
        (long Areas, ulong Pages, long Nodes) sum = default;
        ulong end = 0;
        if (_working != null)
        {
            Validate(_working, ref sum, ref end);
        }

        return sum;
    }

    private static void Validate(VmaNode* node, ref (long Areas, ulong Pages, long Nodes) sum, ref ulong end)
    {
        Invariant.Check(node->Count is > 0 and <= VmaNode.FanOut, $"A node of areas has {node->Count} entries.");
        sum.Nodes++;
        for (int place = 0; place < node->Count; place++)
        {
            VmaEntry entry = node->At(place);
            Invariant.Check(entry.Start >= end && entry.Start < entry.End, $"Areas overlap or are empty at page {entry.Start}, behind {end}.");
            if (node->Height > 0)
            {
                var below = (VmaNode*)entry.Child;
                Invariant.Check(below->Height == node->Height - 1, $"A node of height {below->Height} lies below one of {node->Height}.");
                Validate(below, ref sum, ref end);
                Invariant.Check(VmaEntry.Of(below) == entry, $"The entry of a node does not say what lies below it, at page {entry.Start}.");
                continue;
            }

            var area = (Vma*)entry.Child;
            Invariant.Check(VmaEntry.Of(area) == entry, $"The entry of an area does not say where it lies, at page {entry.Start}.");
            Invariant.Check(!area->State.IsDetached, $"The area at page {entry.Start} is in the tree and detached.");
            sum.Areas++;
            sum.Pages += area->Range.Pages;
            end = entry.End;
        }
    }
}
