using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Counting and checking. Neither stops anybody: exact at rest, a blurred picture otherwise.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    /// <inheritdoc/>
    public FrameStatistics GetStatistics()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        var blocks = new ulong[Order.Count];
        ulong used = 0;
        ulong untouched = 0;
        uint children = Math.Min(_childCount, Frontier * FrameTree.ChildCount);
        for (uint child = 0; child < children; child++)
        {
            ChildWord word = ReadChild(child);
            used += word.Used;
            untouched += ((ulong)BitOperations.PopCount(word.Untouched) * ChildWord.GranuleFrames) + CountSwept(child, word);
            if (!word.IsEntirelyFree)
            {
                if (word.State == ChildState.Frames)
                {
                    CountFreeBlocks(child * ChildWord.Frames, HugeOrder - 1, blocks);
                    CountFreeBlocks((child * ChildWord.Frames) + (ChildWord.Frames / 2), HugeOrder - 1, blocks);
                }
            }
            else if (!IsEntirelyFree(child ^ 1))
            {
                blocks[HugeOrder]++;
            }
            else
            {
                blocks[Order.MaxValue] += child % 2;
            }
        }

        // Nobody was ever behind the frontier. It is a multiple of eight children, so only an odd last child has no neighbour.
        uint fresh = _childCount - children;
        blocks[Order.MaxValue] += fresh / 2;
        blocks[HugeOrder] += fresh % 2;
        ulong freshFrames = (ulong)fresh * ChildWord.Frames;
        ulong isolated = Atomic.LoadAcquire(ref _state->IsolatedFrames);
        return new FrameStatistics
        {
            ManagedFrames = _frameCount,
            FreeFrames = _frameCount - used,
            PerCoreFrames = 0,
            AllocatedFrames = used - Math.Min(used, isolated),
            IsolatedFrames = isolated,
            ReportedFrames = untouched + freshFrames,
            FreeBlocks = blocks,
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        uint children = Math.Min(_childCount, Frontier * FrameTree.ChildCount);
        ulong isolated = 0;
        for (uint child = 0; child < children; child++)
        {
            isolated += ValidateChild(child);
        }

        ulong counted = Atomic.LoadAcquire(ref _state->IsolatedFrames);
        Invariant.Check(isolated == counted, $"{counted} frames are counted as isolated, {isolated} are.");
        ValidateFresh(children);
        ValidateReservations();
    }

    private bool IsEntirelyFree(uint child) => child < _childCount && ReadChild(child).IsEntirelyFree;

    private void CountFreeBlocks(uint frame, int order, ulong[] blocks)
    {
        uint taken = CountTaken(frame, order);
        if (taken == 0)
        {
            blocks[order]++;
        }
        else if (taken < 1u << order)
        {
            CountFreeBlocks(frame, order - 1, blocks);
            CountFreeBlocks(frame + (1u << (order - 1)), order - 1, blocks);
        }
    }

    /// <summary>Checks one child.</summary>
    /// <returns>How many of its frames are isolated.</returns>
    private ulong ValidateChild(uint child)
    {
        ChildWord word = ReadChild(child);
        uint first = child * ChildWord.Frames;
        uint taken = CountTaken(first, HugeOrder - 1) + CountTaken(first + (ChildWord.Frames / 2), HugeOrder - 1);
        Invariant.Check(word.Used <= ChildWord.Frames, $"Child {child} ({word}) uses more frames than it has.");
        Invariant.Check(
            word.State == ChildState.Frames ? taken == word.Used : taken == 0, $"Child {child} ({word}) has {taken} bits set.");
        Invariant.Check(
            word.IsUntouchedZero || word.Untouched != 0, $"Child {child} ({word}) speaks of untouched granules but has none.");
        switch (word.State)
        {
            case ChildState.Frames:
                ValidateGranules(child, word);
                break;
            case ChildState.MaxFirst or ChildState.IsolatedFirst:
                Invariant.Check(ReadChild(child + 1).State == word.State + 1, $"Child {child} ({word}) has lost its second half.");
                break;
            case ChildState.MaxSecond or ChildState.IsolatedSecond:
                Invariant.Check(ReadChild(child - 1).State == word.State - 1, $"Child {child} ({word}) has lost its first half.");
                break;
            case ChildState.Huge or ChildState.Isolated:
                break;
            default:
                throw new InvariantViolationException($"Child {child} ({word}) lies in the zone.");
        }

        uint isolated = CountIsolated(first, word.State);
        Invariant.Check(
            word.State != ChildState.Frames || word.Isolated == isolated, $"Child {child} ({word}) has {isolated} frames in isolated blocks.");
        return isolated;
    }

    private void ValidateGranules(uint child, ChildWord word)
    {
        for (int g = 0; g < ChildWord.Frames / ChildWord.GranuleFrames; g++)
        {
            uint frame = (child * ChildWord.Frames) + (uint)(g * ChildWord.GranuleFrames);
            Invariant.Check(
                (word.Touched >> g & 1) != 0 || CountTaken(frame, GranuleOrder) == 0,
                $"Frames from {frame} on are in use, but child {child} ({word}) says that nobody touched them.");
        }
    }

    private uint CountIsolated(uint first, ChildState state)
    {
        if (state != ChildState.Frames)
        {
            return state is ChildState.Isolated or ChildState.IsolatedFirst or ChildState.IsolatedSecond ? ChildWord.Frames : 0;
        }

        uint isolated = CountOut(first);
        for (uint frame = first; frame < first + ChildWord.Frames; frame++)
        {
            // Only heads of isolated blocks carry the sign, and only while the block is out.
            if (CountTaken(frame, 0) != 0)
            {
                int order = SignedOrderOf(frame);
                isolated += order >= 0 ? 1u << order : 0;
            }
        }

        return isolated;
    }

    /// <summary>Frames of a child in rows that are swept at this moment.</summary>
    private uint CountOut(uint first)
    {
        uint frames = 0;
        for (int slot = 0; slot < LockFreeState.SweptMax; slot++)
        {
            uint row = Atomic.LoadAcquire(ref _state->SweptRows[slot]);
            bool isHere = row != 0 && (row - 1) / BitmapRow.PerChild == first / ChildWord.Frames;
            frames += isHere ? (uint)BitOperations.PopCount(Atomic.LoadAcquire(ref _state->SweptFrames[slot])) : 0;
        }

        return frames;
    }

    private void ValidateFresh(uint from)
    {
        for (uint child = from; child < _treeCount * FrameTree.ChildCount; child++)
        {
            ChildWord word = ReadChild(child);
            Invariant.Check(
                word.Equals(child < _childCount ? default : ChildWord.Absent), $"Child {child} ({word}) lies behind the frontier but was used.");
        }
    }

    /// <summary>A tree is marked as reserved if and only if exactly one core owns it.</summary>
    private void ValidateReservations()
    {
        var owners = new Dictionary<uint, int>();
        for (int core = 0; core <= _coreMask; core++)
        {
            for (int kind = 0; kind < CoreReservations.Kinds; kind++)
            {
                var word = new ReservationWord(Atomic.LoadAcquire(ref _cores[core].Words[kind]));
                Invariant.Check(!word.HasTree || word.Tree < Frontier, $"Core {core} fills tree {word.Tree} behind the frontier {Frontier}.");
                if (word.IsOwner)
                {
                    Invariant.Check(owners.TryAdd(word.Tree, core), $"Tree {word.Tree} has two owners, one of them core {core}.");
                }
            }
        }

        for (uint tree = 0; tree < _treeCount; tree++)
        {
            bool reserved = new TreeWord(Atomic.LoadAcquire(ref _trees[tree].Word)).IsReserved;
            Invariant.Check(
                reserved == owners.ContainsKey(tree), $"Tree {tree} is marked as {(reserved ? "reserved, but nobody owns it" : "free, but has an owner")}.");
        }
    }
}
