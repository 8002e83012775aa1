using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>
/// Looking for another tree when the core's own has no room. Reservations and ranks only say where to look first: the last pass looks at
/// every tree, so an allocation at rest fails only when no free block of its order exists.
/// </content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    internal const string PauseCounting = "count down: read, not stored";

    // A tree may have frames enough but no block; after so many of them a search goes on with the next rank.
    private const int FailuresMax = 8;

    // One part in so many of the trees in use may be taken fresh before the others are looked through again.
    private const uint FreshDivisor = 8;

    /// <summary>
    /// Everything but the hot path: touched memory of the core's own tree, then of any tree that no core has, then untouched memory, then the
    /// shrinkers. Memory that was touched and freed costs nothing to use again; a page that was not costs a fault and stays resident.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateSlow(ref uint reservation, FrameRun run, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        TreeKind kind = run.IsWhole ? TreeKind.Huge : KindFor(0, flags);
        var word = new ReservationWord(Atomic.LoadAcquire(ref reservation));
        if ((word.HasTree && TryTakeTouched(word.Tree, run, out uint first, out knownZero))
            || TryAllocateTouched(ref reservation, kind, run, out first, out knownZero)
            || (word.HasTree && TryTakeUntouched(word.Tree, run, out first, out knownZero))
            || TryAllocateElsewhere(ref reservation, kind, run, out first, out knownZero)
            || ((flags & FrameFlags.NoReclaim) == 0 && TryAllocateShrinking(ref reservation, kind, run, out first, out knownZero)))
        {
            Invariant.Assert(first + run.Frames <= _frameCount && (first & ((1u << run.Order) - 1)) == 0, $"A run of {run.Frames} frames is handed out at frame {first} of {_frameCount}.");
            if (knownZero && (flags & FrameFlags.Populate) != 0)
            {
                Populate(first, run.Frames);
            }
            else if ((flags & FrameFlags.Zeroed) != 0 && !knownZero)
            {
                Clear(first, run.Frames);
                knownZero = true;
            }

            frame = new Pfn(first);
            return true;
        }

        frame = Pfn.None;
        return false;
    }

    /// <summary>
    /// Looks for touched memory in all trees that were ever used, lowest first, and stays where it finds some. After a look that found none it
    /// lets half as many allocations pass as there are trees, so that growth pays for a few words each and not for the whole zone.
    /// </summary>
    private bool TryAllocateTouched(ref uint reservation, TreeKind kind, FrameRun run, out uint frame, out bool knownZero)
    {
        ref uint skips = ref _cores[CoreId.CurrentHint.Value & _coreMask].LooksToSkip;
        if (!TryCountDown(ref skips))
        {
            uint trees = Frontier;
            int failures = 0;
            for (uint tree = 0; tree < trees && failures < FailuresMax; tree++)
            {
                if (HasTouchedRoom(tree, run) && !new TreeWord(Atomic.LoadAcquire(ref _trees[tree].Word)).IsReserved)
                {
                    if (TryTakeTouched(tree, run, out frame, out knownZero))
                    {
                        Stay(tree, ref reservation, TreeWord.TryChange(ref _trees[tree].Word, kind));
                        return true;
                    }

                    failures++;
                }
            }

            Atomic.StoreRelease(ref skips, trees / 2);
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    /// <summary>Takes one from a counter that threads of a core share. What was read is what is stored less one: reading twice could go below 0.</summary>
    /// <returns>Whether there was anything to take.</returns>
    private static bool TryCountDown(ref uint counter) => TryCountDown<NoPause>(ref counter);

    /// <inheritdoc cref="TryCountDown(ref uint)"/>
    /// <typeparam name="TPause">Where a race test holds the thread.</typeparam>
    internal static bool TryCountDown<TPause>(ref uint counter)
        where TPause : struct, IPausePoint
    {
        uint left = Atomic.LoadAcquire(ref counter);
        if (left != 0)
        {
            TPause.Reach(PauseCounting);
            Atomic.StoreRelease(ref counter, left - 1);
        }

        return left != 0;
    }

    private bool HasTouchedRoom(uint tree, FrameRun run)
    {
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            ChildWord word = ReadChild((tree * FrameTree.ChildCount) + i);
            if (run.IsWhole ? word.IsEntirelyFree && word.Touched != 0 : word.FreeTouched >= (int)run.Frames)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Looks through the trees by rank. After a look that had to take a fresh one it takes an eighth as many fresh ones at once as there are trees,
    /// so that growth looks at each tree a few times and not once for each new one.
    /// </summary>
    private bool TryAllocateElsewhere(ref uint reservation, TreeKind kind, FrameRun run, out uint frame, out bool knownZero)
    {
        ref uint fresh = ref _cores[CoreId.CurrentHint.Value & _coreMask].FreshToTake[(int)kind];
        if (TryCountDown(ref fresh) && TryAllocateFresh(ref reservation, kind, run, out frame, out knownZero))
        {
            return true;
        }

        uint ranksSeen = 0;
        for (var rank = TreeRank.SameTouched; rank < TreeRank.Full; rank++)
        {
            if ((rank == TreeRank.SameTouched || (ranksSeen & (1u << (int)rank)) != 0)
                && TryAllocateRanked(ref reservation, kind, run, rank, ref ranksSeen, out frame, out knownZero))
            {
                return true;
            }

            if (rank == TreeRank.FreeUntouched && TryAllocateFresh(ref reservation, kind, run, out frame, out knownZero))
            {
                Atomic.StoreRelease(ref fresh, Frontier / FreshDivisor);
                return true;
            }
        }

        return TryAllocateAnywhere(run, out frame, out knownZero);
    }

    /// <summary>The allocation is about to fail: asks the shrinkers and tries again.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateShrinking(ref uint reservation, TreeKind kind, FrameRun run, out uint frame, out bool knownZero)
    {
        var attempts = new ShrinkAttempts(_shrinkers, run.Frames);
        while (attempts.Next(ReadIsolation()))
        {
            if (TryAllocateElsewhere(ref reservation, kind, run, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = NoFrame;
        knownZero = false;
        return false;
    }

    /// <summary>Tries the trees of one rank, from the core's last tree on.</summary>
    private bool TryAllocateRanked(
        ref uint reservation, TreeKind kind, FrameRun run, TreeRank rank, ref uint ranksSeen, out uint frame, out bool knownZero)
    {
        uint trees = Frontier;
        var last = new ReservationWord(Atomic.LoadAcquire(ref reservation));
        uint tree = last.HasTree ? last.Tree : 0;
        int failures = 0;
        for (uint i = 0; i < trees && failures < FailuresMax; i++, tree++)
        {
            tree = tree < trees ? tree : 0;
            TreeRank found = RankOf(tree, kind, run);
            ranksSeen |= 1u << (int)found;
            if (found == rank)
            {
                if (TryAllocateIn(tree, ref reservation, kind, run, mayReserve: rank != TreeRank.Reserved, out frame, out knownZero))
                {
                    return true;
                }

                failures++;
            }
        }

        // A pass that was cut short has not seen every tree: the others may have any rank.
        ranksSeen = failures < FailuresMax ? ranksSeen : uint.MaxValue;
        frame = 0;
        knownZero = false;
        return false;
    }

    /// <summary>Takes trees that nobody ever used into use, lowest first. The zone is open as far as the frontier: opening comes before.</summary>
    private bool TryAllocateFresh(ref uint reservation, TreeKind kind, FrameRun run, out uint frame, out bool knownZero)
    {
        for (uint tree = Frontier; tree < _treeCount && _zone.TryOpen(EndOf(tree)); tree = Frontier)
        {
            // Whoever moves the frontier has the tree; the others try the next one.
            if (Atomic.CompareExchange(ref _state->Frontier, tree, tree + 1)
                && TryAllocateIn(tree, ref reservation, kind, run, mayReserve: true, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    private uint EndOf(uint tree) => (uint)Math.Min(_frameCount, ((ulong)tree + 1) << FrameTree.FrameShift);

    /// <summary>Whatever is left, wherever it is.</summary>
    private bool TryAllocateAnywhere(FrameRun run, out uint frame, out bool knownZero)
    {
        uint trees = Frontier;
        for (uint tree = 0; tree < trees; tree++)
        {
            if (TryTakeFromTree(tree, run, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    /// <summary>Takes a block out of a tree and stays there.</summary>
    private bool TryAllocateIn(
        uint tree, ref uint reservation, TreeKind kind, FrameRun run, bool mayReserve, out uint frame, out bool knownZero)
    {
        Invariant.Assert(tree < Frontier, $"A run is looked for in tree {tree}, behind the frontier {Frontier}.");
        bool owner = mayReserve && TreeWord.TryChange(ref _trees[tree].Word, kind);
        if (!TryTakeFromTree(tree, run, out frame, out knownZero))
        {
            if (owner)
            {
                bool released = TreeWord.TryChange(ref _trees[tree].Word, kind: null);
                Invariant.Assert(released, $"Tree {tree} was reserved by this thread and is not.");
            }

            return false;
        }

        Stay(tree, ref reservation, owner);
        return true;
    }

    /// <summary>Makes a tree the core's own, if it is not already.</summary>
    private void Stay(uint tree, ref uint reservation, bool owner)
    {
        Invariant.Assert(tree < _treeCount, $"A core stays with tree {tree} of {_treeCount}.");
        // A tree that this word owns already stays owned.
        var last = new ReservationWord(Atomic.LoadAcquire(ref reservation));
        if (owner || !last.HasTree || last.Tree != tree)
        {
            Reserve(ref reservation, ReservationWord.For(tree, owner));
        }
    }

    /// <summary>Puts a tree into a reservation word; the tree that was there is left to others.</summary>
    private void Reserve(ref uint reservation, ReservationWord next)
    {
        // The exchange hands every owned reservation to exactly one thread, who gives it up.
        Invariant.Assert(!next.HasTree || next.Tree < _treeCount, $"A core is given tree {next.Tree} of {_treeCount}.");
        var last = new ReservationWord(Atomic.Exchange(ref reservation, next.Bits));
        if (last.IsOwner)
        {
            bool released = TreeWord.TryChange(ref _trees[last.Tree].Word, kind: null);
            Invariant.Assert(released, $"Tree {last.Tree} had an owner and was not reserved.");
        }
    }

    private TreeRank RankOf(uint tree, TreeKind kind, FrameRun run)
    {
        Invariant.Assert(tree < _treeCount, $"Tree {tree} of {_treeCount} is ranked.");
        uint frames = 0;
        bool hasRoom = false;
        bool hasTouchedRoom = false;
        bool isTouched = false;
        uint step = run.Order > HugeOrder ? 2u : 1;
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            ChildWord word = ReadChild((tree * FrameTree.ChildCount) + i);
            frames += word.Used;
            isTouched |= word.Touched != 0 && word.State != ChildState.Absent;
            if (i % step == 0)
            {
                ChildWord last = step == 1 ? word : ReadChild((tree * FrameTree.ChildCount) + i + 1);
                bool fits = run.IsWhole ? word.IsEntirelyFree && last.IsEntirelyFree : word.Free >= run.Frames;
                hasRoom |= fits;
                hasTouchedRoom |= fits
                    && (run.IsWhole ? (word.Touched | last.Touched) != 0 : word.FreeTouched >= (int)run.Frames);
            }
        }

        if (!hasRoom)
        {
            return TreeRank.Full;
        }

        var use = new TreeWord(Atomic.LoadAcquire(ref _trees[tree].Word));
        if (use.IsReserved)
        {
            return TreeRank.Reserved;
        }

        if (frames == AbsentFrames(tree))
        {
            return isTouched ? TreeRank.FreeTouched : TreeRank.FreeUntouched;
        }

        return use.Kind != kind ? TreeRank.OtherKind : hasTouchedRoom ? TreeRank.SameTouched : TreeRank.SameUntouched;
    }

    /// <summary>Frames of a tree that the zone does not have; they count as used.</summary>
    private uint AbsentFrames(uint tree) =>
        tree < _treeCount - 1 ? 0 : ((_treeCount * FrameTree.ChildCount) - _childCount) * ChildWord.Frames;
}
