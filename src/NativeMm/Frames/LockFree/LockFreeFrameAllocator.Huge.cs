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
            if ((!touchedOnly || IsTouched(child, order)) && TryClaimWhole(child, order, WholeStates.Allocated, out _, out knownZero))
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

    /// <summary>Claims a whole block.</summary>
    /// <param name="child">Its first child.</param>
    /// <param name="order">9 or 10.</param>
    /// <param name="states">What it is claimed as.</param>
    /// <param name="held">Frames that the operating system may hold of it.</param>
    /// <param name="knownZero">Whether it reads as zero.</param>
    private bool TryClaimWhole(uint child, int order, WholeStates states, out uint held, out bool knownZero)
    {
        Invariant.Assert(order is HugeOrder or HugeOrder + 1, $"A block of order {order} is claimed whole.");
        ChildWord before;
        held = 0;
        if (order == HugeOrder)
        {
            bool claimed = ChildWord.TryChange(ref Child(child), new ChildTransitions.ClaimWhole(states.Single), out before); // [A5]
            Invariant.Assert(!claimed || child < _childCount, $"Child {child} was claimed, of {_childCount}.");
            held = before.TouchedFrames;
            knownZero = claimed && before.IsKnownZero(ChildWord.AllGranules);
            return claimed;
        }

        knownZero = false;
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.ClaimWhole(states.First), out before)) // [A5]
        {
            return false;
        }

        if (!ChildWord.TryChange(ref Child(child + 1), new ChildTransitions.ClaimWhole(states.Second), out ChildWord second)) // [A5]
        {
            // Nobody saw the first half in between but as taken, and nobody touched it: it becomes exactly what it was.
            bool undone = ChildWord.TryChange(ref Child(child), new ChildTransitions.UndoClaim(states.First, before), out _); // [A6]
            Invariant.Check(undone, $"Child {child} changed while it was claimed.");
            return false;
        }

        Invariant.Assert((child & 1) == 0 && child + 1 < _childCount, $"A block of order {order} begins at child {child} of {_childCount}.");
        held = before.TouchedFrames + second.TouchedFrames;
        knownZero = before.IsKnownZero(ChildWord.AllGranules) && second.IsKnownZero(ChildWord.AllGranules);
        return true;
    }

    private void FreeHuge(Pfn frame, Order order)
    {
        if (!TryFreeHuge(frame, order, WholeStates.Allocated, FrameContent.Unknown))
        {
            ThrowNotWhole(frame, order);
        }
    }

    /// <summary>Makes a block of order 9 or 10 free; says false when it is not such a block in that use, and then nothing has changed.</summary>
    private bool TryFreeHuge(Pfn frame, Order order, WholeStates states, FrameContent content)
    {
        Invariant.Assert(order.Value is HugeOrder or HugeOrder + 1 && IsBlock(frame, order), $"A block of order {order} ends at frame {frame}.");
        uint child = frame.Value / ChildWord.Frames;
        if (order.Value == HugeOrder)
        {
            return TryReleaseWhole(child, states.Single, content);
        }

        // Of two halves the second first: it is claimed last, so it tells whether there is a block at all before anything changes.
        if (!TryReleaseWhole(child + 1, states.Second, content))
        {
            return false;
        }

        bool released = TryReleaseWhole(child, states.First, content);
        Invariant.Check(released, $"Child {child} was not the first half of the block of order 10 that child {child + 1} ended.");
        return true;
    }

    private bool TryReleaseWhole(uint child, ChildState state, FrameContent content) =>
        ChildWord.TryChange(ref Child(child), new ChildTransitions.ReleaseWhole(state, content), out _); // [A6]

    private void ThrowNotWhole(Pfn frame, Order order)
    {
        uint child = frame.Value / ChildWord.Frames;
        ThrowIfUnderReport(frame, order);
        for (uint i = 0; i < order.Frames / ChildWord.Frames; i++)
        {
            if (!ReadChild(child + i).IsEntirelyFree)
            {
                FrameFault.ThrowWrongOrder(_zone, frame, order);
            }
        }

        FrameFault.ThrowDoubleFree(_zone, frame, order);
    }

    private void ThrowIfUnderReport(Pfn frame, Order order)
    {
        if (ReadChild(frame.Value / ChildWord.Frames).State is ChildState.Isolated or ChildState.IsolatedFirst or ChildState.IsolatedSecond)
        {
            FrameFault.ThrowUnderReport(_zone, frame, order);
        }
    }
}
