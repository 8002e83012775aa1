using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>
/// Compaction: the objects of the emptiest zspage go to the fullest one, until no whole zspage can be freed. Both are taken off the lists while it
/// lasts, so that nobody allocates from them; frees go on. The lock is held for one object at a time.
/// </content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    /// <summary>Pause point: an object was copied, its cell still names the old place. The source is frozen.</summary>
    public const string PauseCopied = "object copied, cell not rewritten";

    /// <summary>Pause point: between two objects, no lock held.</summary>
    public const string PauseBetweenObjects = "between two objects";

    private const int AsideMax = 8;

    /// <summary>Milliseconds between two gatherings of a class that is in use.</summary>
    private const long GatherInterval = 100;

    private int _compactors;
    private long _framesCompacted;

    /// <inheritdoc/>
    public override long Compact() => Compact(long.MaxValue);

    /// <inheritdoc/>
    /// <remarks>Frames that other compactors give back meanwhile serve as well as those of this call: it waits for enough of either.</remarks>
    public override ulong Shrink(ulong framesWanted) => (ulong)Compact((long)ulong.Min(framesWanted, long.MaxValue));

    /// <summary>Compacts everything.</summary>
    /// <param name="framesWanted">Whoever would have to wait for another compactor ends when so many frames came back, whoever gave them.</param>
    /// <returns>Frames freed by this call.</returns>
    private long Compact(long framesWanted)
    {
        if (!_gate.TryEnter())
        {
            return 0;
        }

        long freed = 0;
        long before = Atomic.LoadAcquire(ref _framesGivenBack);
        var backoff = default(Backoff);
        bool allowed;
        while (!(allowed = TryBeginCompacting()) && !IsEnough(before, framesWanted))
        {
            backoff.Wait();
        }

        // Large classes first: their zspages are freed with the fewest moves.
        for (int i = ClassCount - 1; i >= 0 && allowed; i--)
        {
            long frames;
            while (!TryCompactClass((uint)i, out frames))
            {
                // Somebody is at it. What he moves does not have to be moved here, but it has to be moved before this call is over.
                if (IsEnough(before, framesWanted))
                {
                    i = 0;
                    break;
                }

                backoff.Wait();
            }

            freed += frames;
        }

        if (allowed)
        {
            Atomic.Add(ref _compactors, -1);
        }

        _gate.Exit();
        return freed;
    }

    private bool IsEnough(long before, long framesWanted) => Atomic.LoadAcquire(ref _framesGivenBack) - before >= framesWanted;

    private bool TryBeginCompacting()
    {
        int now = Atomic.LoadAcquire(ref _compactors);
        while (now < _compactorsMax)
        {
            if (Atomic.CompareExchange(ref _compactors, now, now + 1))
            {
                return true;
            }

            now = Atomic.LoadAcquire(ref _compactors);
        }

        return false;
    }

    /// <summary>Compacts one class, unless somebody else is at it.</summary>
    /// <param name="class">The class.</param>
    /// <param name="freed">Frames freed.</param>
    /// <returns>Whether nobody else was.</returns>
    private bool TryCompactClass(uint @class, out long freed)
    {
        freed = 0;
        uint first = @class * (uint)_stripes;
        uint compactions = Atomic.LoadAcquire(ref Shard(first)->Compactions);
        if ((compactions & 1) != 0 || !Atomic.CompareExchange(ref Shard(first)->Compactions, compactions, compactions + 1))
        {
            return false;
        }

        for (uint index = first; index < first + (uint)_stripes; index++)
        {
            freed += CompactShard(index);
        }

        if (_stripes > 1 && Gather(first))
        {
            freed += CompactShard(first);
        }

        Invariant.Assert(Atomic.LoadAcquire(ref Shard(first)->Compactions) == compactions + 1, $"Class {@class} was compacted by two at a time.");
        Atomic.StoreRelease(ref Shard(first)->Compactions, compactions + 2);
        if (freed != 0)
        {
            Atomic.Add(ref _framesCompacted, freed);
        }

        return true;
    }

    /// <summary>Waits while somebody compacts a class: he has zspages with room off the lists.</summary>
    private void AwaitCompactorOf(uint @class)
    {
        ZsShard<TStatistics>* first = Shard(@class * (uint)_stripes);
        uint compactions = Atomic.LoadAcquire(ref first->Compactions);
        var backoff = default(Backoff);
        while ((compactions & 1) != 0 && Atomic.LoadAcquire(ref first->Compactions) == compactions)
        {
            backoff.Wait();
        }
    }

    /// <summary>
    /// What each stripe has left is less than a zspage of free slots; together it may be more. Then it goes to the first stripe. A class that is
    /// being allocated from is gathered now and then only: its stripes would take the zspages right back.
    /// </summary>
    private bool Gather(uint first)
    {
        ref readonly ZsClass geometry = ref _classes[first / (uint)_stripes];
        long free = 0;
        bool busy = false;
        for (uint index = first; index < first + (uint)_stripes; index++)
        {
            ZsShard<TStatistics>* shard = Shard(index);
            free += FreeSlots(shard, geometry);
            uint takes = Atomic.LoadAcquire(ref shard->Takes);
            busy |= takes != shard->TakesSeen;
            shard->TakesSeen = takes;
        }

        long now = Environment.TickCount64;
        ref long gatheredAt = ref Shard(first)->GatheredAt;
        if (free < geometry.Objects || (busy && gatheredAt != 0 && now - gatheredAt < GatherInterval))
        {
            return false;
        }

        gatheredAt = now;

        for (uint index = first + 1; index < first + (uint)_stripes; index++)
        {
            while (TryGatherOne(first, index))
            {
            }
        }

        return true;
    }

    // Approximate while others work.
    private static long FreeSlots(ZsShard<TStatistics>* shard, in ZsClass geometry) =>
        ((long)Atomic.LoadAcquire(ref shard->Zspages) * geometry.Objects) - Atomic.LoadAcquire(ref shard->Used);

    private bool TryGatherOne(uint first, uint index)
    {
        EnterBoth(first, index);
        uint present = Shard(index)->Lists.Present & ZsClass.PartialMask;
        if (present != 0)
        {
            Restripe(index, first, Shard(index)->Lists.Heads[BitOperations.TrailingZeroCount(present)]);
        }

        ExitBoth(first, index);
        return present != 0;
    }

    private long CompactShard(uint index)
    {
        ZsShard<TStatistics>* shard = Shard(index);
        ref readonly ZsClass geometry = ref _classes[index / (uint)_stripes];

        // A stale look leaves a zspage to the next pass, and spares the workers a lock that is held for nothing. An empty zspage is free slots, too.
        if (FreeSlots(shard, geometry) < geometry.Objects)
        {
            return 0;
        }

        ref WaiterLock<TStatistics> guard = ref LockOf(shard);
        Span<uint> aside = stackalloc uint[AsideMax];
        int asideCount = 0;
        uint asideFree = 0;
        uint source = 0;
        uint target = 0;
        uint slot = 0;
        long freed = 0;
        guard.Enter();
        shard->Rebuilds = 0;

        // Whoever allocates and frees meanwhile makes new work without end. What is worth doing now is that much at most; the rest is for the next call.
        for (long left = shard->Used + shard->Zspages; ; left--)
        {
            uint dead = left <= 0 ? 0 : TakeDead(shard, ref source);
            bool going = dead != 0 || (left > 0 && asideCount < AsideMax && TryChoose(shard, geometry, asideFree, ref source, ref target, ref slot));
            if (dead == 0 && going)
            {
                ZsMove move = MoveOne(shard, geometry, source, target, ref slot);
                if (move == ZsMove.SourcePinned)
                {
                    aside[asideCount++] = source;
                    asideFree += geometry.Objects - (uint)PageAt(source)->InUse;
                    source = 0;
                }

                if (PageAt(target)->InUse == geometry.Objects)
                {
                    Join(shard, ref target);
                }
            }

            if (!going)
            {
                break;
            }

            guard.Exit();
            freed += dead != 0 ? GiveBack(dead, geometry.Frames) : 0;
            TPause.Reach(PauseBetweenObjects);
            guard.GiveWay();
            guard.Enter();
        }

        Join(shard, ref source);
        Join(shard, ref target);
        foreach (uint zspage in aside[..asideCount])
        {
            uint back = zspage;
            Join(shard, ref back);
        }

        guard.Exit();

        // What emptied while it was isolated.
        return freed + ReleaseEmpty(shard, geometry);
    }

    /// <summary>Ends the life of an empty zspage that nobody reads: the source, or one from the list. Under the lock.</summary>
    private uint TakeDead(ZsShard<TStatistics>* shard, ref uint source)
    {
        if (source != 0 && PageAt(source)->InUse == 0)
        {
            Join(shard, ref source);
        }

        for (uint zspage = shard->Lists.Heads[0]; zspage != 0; zspage = PageAt(zspage)->Next)
        {
            if (TryKill(shard, zspage, PageAt(zspage)))
            {
                return zspage;
            }
        }

        return 0;
    }

    /// <summary>
    /// Sees to it that there is a source and a target. A target stays until it is full, whatever happens to the sources. Under the lock.
    /// </summary>
    /// <returns>False when no whole zspage can be freed any more.</returns>
    private bool TryChoose(
        ZsShard<TStatistics>* shard, in ZsClass geometry, uint asideFree, ref uint source, ref uint target, ref uint slot)
    {
        if (source == 0)
        {
            long free = ((long)shard->Zspages * geometry.Objects) - shard->Used - asideFree;
            uint present = shard->Lists.Present & ZsClass.PartialMask;
            if (free < geometry.Objects || present == 0)
            {
                return false;
            }

            source = Isolate(shard, shard->Lists.Heads[BitOperations.TrailingZeroCount(present)]);
            slot = 0;
        }

        if (target == 0)
        {
            uint present = shard->Lists.Present & ZsClass.PartialMask;
            if (present == 0)
            {
                return false;
            }

            target = Isolate(shard, shard->Lists.Heads[BitOperations.Log2(present)]);
            Invariant.Assert(source != target && PageAt(source)->IsIsolated, $"Zspage {source} is to be moved into {target}, and is not isolated.");
        }

        return true;
    }

    private uint Isolate(ZsShard<TStatistics>* shard, uint zspage)
    {
        Invariant.Assert(PageAt(zspage)->Group is > 0 and < ZsClass.FullGroup, $"Zspage {zspage} of group {PageAt(zspage)->Group} is isolated.");
        Zspage* page = PageAt(zspage);
        AssertZspage(shard, zspage);
        Unlink(shard, page);
        page->IsIsolated = true;
        return zspage;
    }

    /// <summary>Puts an isolated zspage, if there is one, back on the list where it belongs. Under the lock.</summary>
    private void Join(ZsShard<TStatistics>* shard, ref uint zspage)
    {
        if (zspage != 0)
        {
            Zspage* page = PageAt(zspage);
            Invariant.Assert(page->IsIsolated, $"Zspage {zspage} joins a list and was not isolated.");
            page->IsIsolated = false;
            Link(shard, zspage, page, _classes[ClassOf(shard)].GroupOf(page->InUse));
            zspage = 0;
        }
    }

    /// <summary>Moves one object. Under the lock; the target has room.</summary>
    private ZsMove MoveOne(ZsShard<TStatistics>* shard, in ZsClass geometry, uint source, uint target, ref uint slot)
    {
        // Nobody allocates in an isolated zspage, so there is nothing behind the slot that was reached.
        Zspage* from = PageAt(source);
        while (slot < from->Fresh && !new ZsHead(HeadOf(from, geometry, slot)).IsUsed)
        {
            slot++;
        }

        if (slot == from->Fresh)
        {
            return ZsMove.SourceEmpty;
        }

        if (!Zspage.TryFreeze(from, 0))
        {
            return ZsMove.SourcePinned;
        }

        Zspage* to = PageAt(target);
        Invariant.Assert(LockOf(shard).IsHeld && from->Fresh <= geometry.Objects && slot < from->Fresh, $"Slot {slot} of {from->Fresh} moves, of {geometry.Objects}.");
        uint newSlot = TakeSlot(to, geometry);
        Invariant.Assert(source != target && from->IsIsolated && to->IsIsolated, $"An object moves from zspage {source} to {target}, which are not both isolated.");
        Invariant.Assert(newSlot < geometry.Objects && to->InUse < geometry.Objects && from->InUse != 0, $"Zspage {target} gives slot {newSlot} of {geometry.Objects} to one of {from->InUse} objects.");
        ref ulong head = ref HeadOf(from, geometry, slot);
        var used = new ZsHead(head);
        int bytes = ZsClassTable.HeadBytes + used.ObjectBytes;
        CopyObject(from, slot * geometry.Bytes, to, newSlot * geometry.Bytes, bytes);
        to->InUse++;
        TPause.Reach(PauseCopied);
        ulong* word = CellAt(used.Cell);
        Invariant.Assert(new ZsCell(*word) is { IsLive: true } cell && cell.Zspage == source && cell.Object == slot, $"Slot {slot} of zspage {source} names cell {used.Cell}, which does not name it.");
        Atomic.StoreRelease(ref *word, new ZsCell(*word).Move(target, newSlot).Bits); // [A3] pairs with [A2]
        PutSlot(from, ref head, slot);
        Zspage.Thaw(from);
        slot++;
        shard->ObjectsMoved++;
        shard->BytesMoved += bytes;
        return ZsMove.Moved;
    }

    private void CopyObject(Zspage* from, uint fromOffset, Zspage* to, uint toOffset, int bytes)
    {
        while (bytes > 0)
        {
            int piece = int.Min(bytes, Pfn.FrameBytes - (int)(fromOffset & (Pfn.FrameBytes - 1)));
            CopyIn(to, toOffset, new ReadOnlySpan<byte>(ByteAt(from, fromOffset), piece));
            fromOffset += (uint)piece;
            toOffset += (uint)piece;
            bytes -= piece;
        }
    }
}
