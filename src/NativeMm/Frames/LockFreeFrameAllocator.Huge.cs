using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Orders 9 and 10: children claimed as a whole, by their words alone.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    /// <summary>Order of a whole child.</summary>
    internal const int HugeOrder = 9;

    /// <summary>Order of a granule, the smallest piece whose return to the operating system is remembered.</summary>
    internal const int GranuleOrder = 4;

    private bool TryTakeHuge(uint tree, int order, bool touchedOnly, out uint frame, out bool knownZero)
    {
        uint first = tree * FrameTree.ChildCount;
        uint step = 1u << (order - HugeOrder);
        for (uint child = first; child < first + FrameTree.ChildCount; child += step)
        {
            if ((!touchedOnly || IsTouched(child, order)) && TryClaimWhole(child, order, out knownZero))
            {
                frame = child * ChildWord.Frames;
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    /// <summary>Whether the operating system may hold any page of a whole block.</summary>
    private bool IsTouched(uint child, int order) =>
        ReadChild(child).Touched != 0 || (order > HugeOrder && ReadChild(child + 1).Touched != 0);

    private bool TryClaimWhole(uint child, int order, out bool knownZero)
    {
        ChildWord before;
        if (order == HugeOrder)
        {
            bool claimed = ChildWord.TryChange(ref Child(child), new ChildTransitions.ClaimWhole(ChildState.Huge), out before); // [A5]
            knownZero = claimed && before.IsKnownZero(ChildWord.AllGranules);
            return claimed;
        }

        knownZero = false;
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.ClaimWhole(ChildState.MaxFirst), out before)) // [A5]
        {
            return false;
        }

        if (!ChildWord.TryChange(ref Child(child + 1), new ChildTransitions.ClaimWhole(ChildState.MaxSecond), out ChildWord second)) // [A5]
        {
            // Nobody saw the first half in between but as taken, and nobody touched it: it becomes exactly what it was.
            bool undone = ChildWord.TryChange(ref Child(child), new ChildTransitions.UndoClaim(ChildState.MaxFirst, before), out _); // [A6]
            Invariant.Check(undone, $"Child {child} changed while it was claimed.");
            return false;
        }

        knownZero = before.IsKnownZero(ChildWord.AllGranules) && second.IsKnownZero(ChildWord.AllGranules);
        return true;
    }

    private void FreeHuge(Pfn frame, Order order, FrameContent content)
    {
        uint child = frame.Value / ChildWord.Frames;
        bool one = order.Value == HugeOrder;

        // Of two halves the second first: it is claimed last, so it tells whether there is a block at all before anything changes.
        if (one
            ? !TryReleaseWhole(child, ChildState.Huge, content)
            : !TryReleaseWhole(child + 1, ChildState.MaxSecond, content))
        {
            ThrowNotWhole(frame, order);
        }

        if (!one)
        {
            bool released = TryReleaseWhole(child, ChildState.MaxFirst, content);
            Invariant.Check(released, $"Child {child} was not the first half of the block of order 10 that child {child + 1} ended.");
        }
    }

    private bool TryReleaseWhole(uint child, ChildState state, FrameContent content) =>
        ChildWord.TryChange(ref Child(child), new ChildTransitions.ReleaseWhole(state, content), out _); // [A6]

    private void ThrowNotWhole(Pfn frame, Order order)
    {
        uint child = frame.Value / ChildWord.Frames;
        for (uint i = 0; i < order.Frames / ChildWord.Frames; i++)
        {
            if (!ReadChild(child + i).IsEntirelyFree)
            {
                FrameFault.ThrowWrongOrder(_zone, frame, order);
            }
        }

        FrameFault.ThrowDoubleFree(_zone, frame, order);
    }
}
