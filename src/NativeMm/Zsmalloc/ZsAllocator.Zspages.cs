using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Zspages: made of frames, listed by fullness, handed from stripe to stripe, given back.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    private const uint RebuildsBeforeKeeping = 2;

    // Under _zspageLock. Zspage 0 is none.
    private WaiterLock<TStatistics> _zspageLock;
    private uint _freeZspage;
    private uint _zspageEnd = 1;

    private long _frameCount;

    // Frames that zspages gave back since the beginning, counted once they are free: progress, for those who wait for some.
    private long _framesGivenBack;

    /// <summary>Moves a zspage to the list of another group. Under the lock.</summary>
    /// <returns>Whether the group is another one.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Regroup(ZsShard<TStatistics>* shard, uint zspage, Zspage* page, uint group)
    {
        if (page->Group == group)
        {
            return false;
        }

        Unlink(shard, page);
        Link(shard, zspage, page, group);
        return true;
    }

    private void Link(ZsShard<TStatistics>* shard, uint zspage, Zspage* page, uint group)
    {
        Invariant.Assert(LockOf(shard).IsHeld && group < ZsClass.Groups, $"Zspage {zspage} is listed in group {group} without the lock.");
        Invariant.Assert(!page->IsIsolated && page->ShardPlusOne == IndexOf(shard) + 1, $"Zspage {zspage} is listed in shard {IndexOf(shard)}, and is isolated or another's.");
        uint head = shard->Lists.Heads[group];
        Invariant.Assert((head != 0) == (shard->Lists.Counts[group] != 0) && head != zspage, $"Group {group} begins with zspage {head} and counts {shard->Lists.Counts[group]}.");
        page->Group = (byte)group;
        page->Previous = 0;
        page->Next = head;
        if (head != 0)
        {
            PageAt(head)->Previous = zspage;
        }

        shard->Lists.Heads[group] = zspage;
        shard->Lists.Counts[group]++;
        shard->Lists.Present |= 1u << (int)group;
    }

    private void Unlink(ZsShard<TStatistics>* shard, Zspage* page)
    {
        uint group = page->Group;
        Invariant.Assert(LockOf(shard).IsHeld && !page->IsIsolated, $"A zspage leaves group {group} without the lock, or was isolated.");
        Invariant.Assert(shard->Lists.Counts[group] > 0 && (shard->Lists.Present >> (int)group & 1) != 0, $"A zspage leaves group {group}, which has none.");
        Invariant.Assert((page->Previous != 0 ? PageAt(page->Previous) : PageAt(shard->Lists.Heads[group]))->Group == group, $"The zspage before one of group {group} is of another one.");
        if (page->Previous != 0)
        {
            PageAt(page->Previous)->Next = page->Next;
        }
        else
        {
            shard->Lists.Heads[group] = page->Next;
        }

        if (page->Next != 0)
        {
            PageAt(page->Next)->Previous = page->Previous;
        }

        if (--shard->Lists.Counts[group] == 0)
        {
            shard->Lists.Present &= ~(1u << (int)group);
        }
    }

    /// <summary>Makes one more zspage for a shard. The caller holds no lock: shrinkers may run.</summary>
    private bool TryBuild(uint index)
    {
        ref readonly ZsClass geometry = ref _classes[index / (uint)_stripes];
        if (!TryTakeNumber(out uint zspage))
        {
            return false;
        }

        Span<Pfn> frames = stackalloc Pfn[geometry.Frames];
        bool found = false;
        try
        {
            found = TryAllocateFrames(frames);
        }
        finally
        {
            if (!found)
            {
                ReturnNumber(zspage);
            }
        }

        if (!found)
        {
            return false;
        }

        Zspage* page = PageAt(zspage);
        Invariant.Assert(page->ShardPlusOne == 0, $"Zspage {zspage} is made and belongs to shard {(long)page->ShardPlusOne - 1}.");
        page->InUse = 0;
        page->FreeSlot = Zspage.NoSlot;
        page->Fresh = 0;
        page->IsIsolated = false;
        page->HugeHead = 0;
        for (int i = 0; i < frames.Length; i++)
        {
            Zspage.FramesOf(page)[i] = frames[i].Value;
            Invariant.Assert(_zspageOfFrame[frames[i].Value] == 0, $"Frame {frames[i]} is allocated and belongs to zspage {_zspageOfFrame[frames[i].Value]}.");
            Atomic.StoreRelease(ref _zspageOfFrame[frames[i].Value], zspage);
        }

        Atomic.Add(ref _frameCount, frames.Length);
        ZsShard<TStatistics>* shard = Shard(index);
        ref WaiterLock<TStatistics> guard = ref LockOf(shard);
        guard.Enter();
        Atomic.StoreRelease(ref page->ShardPlusOne, index + 1);
        Zspage.Thaw(page, Zspage.Frozen | Zspage.Deferred);
        Link(shard, zspage, page, 0);
        shard->Zspages++;
        shard->Rebuilds += shard->FreedEmpty ? 1u : 0;
        shard->FreedEmpty = false;
        AssertZspage(shard, zspage);
        guard.Exit();
        return true;
    }

    private bool TryAllocateFrames(Span<Pfn> frames)
    {
        int count = _frames.AllocateBulk(Order.Zero, FrameFlags.Movable | FrameFlags.Populate, frames);
        try
        {
            while (count < frames.Length && _frames.TryAllocate(Order.Zero, FrameFlags.Movable | FrameFlags.Populate, out frames[count], out _))
            {
                count++;
            }
        }
        finally
        {
            // Too few, or a shrinker of the program has thrown.
            if (count < frames.Length)
            {
                _frames.FreeBulk(frames[..count], Order.Zero);
            }
        }

        return count == frames.Length;
    }

    private bool TryTakeNumber(out uint zspage)
    {
        _zspageLock.Enter();
        zspage = _freeZspage;
        bool found = zspage != 0;
        if (found)
        {
            _freeZspage = PageAt(zspage)->Next;
        }
        else if (_zspages.TryEnsure(_zspageEnd))
        {
            zspage = _zspageEnd++;
            found = true;
        }

        Invariant.Assert(
            !found || (zspage != 0 && zspage < _zspageEnd && PageAt(zspage)->ShardPlusOne == 0),
            $"Number {zspage} is given to a zspage and was one of shard {(long)PageAt(zspage)->ShardPlusOne - 1}.");
        _zspageLock.Exit();
        return found;
    }

    private void ReturnNumber(uint zspage)
    {
        _zspageLock.Enter();
        Invariant.Assert(zspage != 0 && zspage < _zspageEnd && zspage != _freeZspage, $"Number {zspage} of a zspage is returned; {_zspageEnd} is the next that was never given.");
        Invariant.Assert(PageAt(zspage)->ShardPlusOne == 0, $"Number {zspage} is returned by a zspage of shard {PageAt(zspage)->ShardPlusOne - 1}.");
        PageAt(zspage)->Next = _freeZspage;
        _freeZspage = zspage;
        _zspageLock.Exit();
    }

    /// <summary>
    /// Ends the life of an empty zspage, unless a reader is still there: then the reader will. Under the lock; the zspage is listed.
    /// </summary>
    private bool TryKill(ZsShard<TStatistics>* shard, uint zspage, Zspage* page)
    {
        Invariant.Assert(
            LockOf(shard).IsHeld && !page->IsIsolated && page->ShardPlusOne == IndexOf(shard) + 1,
            $"Zspage {zspage} ends in shard {IndexOf(shard)}, and is isolated or another's.");
        if (!Zspage.TryFreeze(page, Zspage.Deferred))
        {
            return false;
        }

        Invariant.Assert(page->InUse == 0 && shard->Zspages != 0, $"Zspage {zspage} ends with {page->InUse} objects, of {shard->Zspages} zspages.");
        Invariant.Assert((page->Pins & Zspage.Frozen) != 0, $"Zspage {zspage} ends and is not frozen.");
        Unlink(shard, page);
        shard->Zspages--;
        Atomic.StoreRelease(ref page->ShardPlusOne, 0u);
        for (int i = 0; i < _classes[ClassOf(shard)].Frames; i++)
        {
            Invariant.Assert(
                _zspageOfFrame[Zspage.FramesOf(page)[i]] == zspage,
                $"Frame {Zspage.FramesOf(page)[i]} of zspage {zspage} is said to be of {_zspageOfFrame[Zspage.FramesOf(page)[i]]}.");
            Atomic.StoreRelease(ref _zspageOfFrame[Zspage.FramesOf(page)[i]], 0u);
        }

        return true;
    }

    private uint IndexOf(ZsShard<TStatistics>* shard) => (uint)((nuint)((byte*)shard - _shards) / _shardStride);

    private uint ClassOf(ZsShard<TStatistics>* shard) => IndexOf(shard) / (uint)_stripes;

    /// <summary>Gives the frames of a dead zspage back. The caller holds no lock.</summary>
    /// <returns>How many.</returns>
    private int GiveBack(uint zspage, int count)
    {
        Span<Pfn> frames = stackalloc Pfn[count];
        for (int i = 0; i < count; i++)
        {
            frames[i] = new Pfn(Zspage.FramesOf(PageAt(zspage))[i]);
        }

        ReturnNumber(zspage);
        Atomic.Add(ref _frameCount, -count);
        Invariant.Assert(Atomic.LoadAcquire(ref _frameCount) >= 0, $"A zspage gives {count} frames back, and {_frameCount} are left.");
        _frames.FreeBulk(frames, Order.Zero);
        Atomic.Add(ref _framesGivenBack, count);
        return count;
    }

    /// <summary>Takes over an empty zspage of another stripe, or one of several with room. The caller holds no lock.</summary>
    /// <param name="index">The shard that needs it.</param>
    /// <param name="leaving">Zspages with room that the other stripe keeps: 1, or 0 when there is no memory for a new one.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeOver(uint index, int leaving)
    {
        uint first = index / (uint)_stripes * (uint)_stripes;
        for (uint other = first; other < first + (uint)_stripes; other++)
        {
            // A stale look costs a lock for nothing, or a zspage more.
            if (other != index && (Atomic.LoadAcquire(ref Shard(other)->Lists.Present) & NonFullMask) != 0 && TryTakeOver(other, index, leaving))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryTakeOver(uint from, uint to, int leaving)
    {
        EnterBoth(from, to);
        ZsShard<TStatistics>* source = Shard(from);
        uint present = source->Lists.Present & NonFullMask;
        int roomy = (int)source->Zspages - source->Lists.Counts[ZsClass.FullGroup];
        bool found = present != 0 && (roomy > leaving || (present & 1) != 0);
        if (found)
        {
            Restripe(from, to, source->Lists.Heads[BitOperations.TrailingZeroCount(present)]);
        }

        ExitBoth(from, to);
        return found;
    }

    /// <summary>Moves a listed zspage to another stripe of its class. Under both locks.</summary>
    private void Restripe(uint from, uint to, uint zspage)
    {
        Zspage* page = PageAt(zspage);
        Invariant.Assert(from / (uint)_stripes == to / (uint)_stripes && from != to, $"Zspage {zspage} moves from shard {from} to {to}, of another class.");
        AssertZspage(Shard(from), zspage);
        Invariant.Assert(Shard(from)->Lock.IsHeld && Shard(to)->Lock.IsHeld, $"Zspage {zspage} moves from shard {from} to {to} without both locks.");
        Unlink(Shard(from), page);
        Shard(from)->Zspages--;
        Shard(from)->Used -= page->InUse;
        Invariant.Assert(Shard(from)->Used >= 0, $"Shard {from} has {Shard(from)->Used} objects after a zspage left it.");
        Atomic.StoreRelease(ref page->ShardPlusOne, to + 1);
        Link(Shard(to), zspage, page, page->Group);
        Shard(to)->Zspages++;
        Shard(to)->Used += page->InUse;
        AssertZspage(Shard(to), zspage);
    }

    // Always the smaller number first; stripes are more than one only where each has a lock of its own.
    private void EnterBoth(uint one, uint other)
    {
        Invariant.Assert(!TLocking.OneLock && one != other, $"Shards {one} and {other} are locked at once.");
        Shard(uint.Min(one, other))->Lock.Enter();
        Shard(uint.Max(one, other))->Lock.Enter();
    }

    private void ExitBoth(uint one, uint other)
    {
        Shard(uint.Max(one, other))->Lock.Exit();
        Shard(uint.Min(one, other))->Lock.Exit();
    }
}
