// Purpose      a frame goes back to its allocator when nobody holds it and nothing maps it, whichever ends last.
// States       the tag of a frame's descriptor: bit 31 the program holds it (AllocateFrames), bits 0–30 how many pages of the window map it, or may
//              still have a translation to it. 0: not ours.
//              Frames of a block of 2 MiB share the tag of its first frame, because such a block is only freed as a whole.
// Transitions  0 → n by the allocating thread alone, before anybody knows the frame. n → n + 1 only from n ≠ 0 (CAS). The bit is cleared by one
//              And. Whoever reaches 0 frees, and nobody can leave 0 again.
// Ordering     every change of a tag is a locked operation, at least an acquire and a release: whatever was done through a mapping is done before
//              the frame is anybody else's. A mapping's share is given up only after the page tables lost it (VmapMapper.TryRevoke has returned).
// Reuse        a tag has no identity; a caller that uses a frame which it gave up is refused while the tag is 0 and is not told from the new owner
//              afterwards, as with any freed memory.
// Progress     lock-free.

using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>The frames of a mappable zone with a count of their mappings. Thread-safe.</summary>
/// <param name="frames">The allocator of the zone. Blocks up to 1 MiB may be given back to it frame by frame.</param>
internal sealed unsafe class FrameReferences(LockFreeFrameAllocator frames)
{
    /// <summary>Blocks up to this order are given back frame by frame.</summary>
    public const int OrderMax = 8;

    private const uint Held = 1u << 31;
    private const ushort HugeBlock = 1;
    private readonly FrameZone _zone = frames.Zone;

    /// <summary>Takes frames for a range, in blocks as large as there are, each with the one reference of the mapping to come.</summary>
    /// <param name="slots">Where their numbers plus one go.</param>
    /// <param name="pages">How many.</param>
    /// <param name="zeroed">Whether they must read as zero.</param>
    /// <param name="huge">Whether to try blocks of 2 MiB.</param>
    /// <returns>Whether all were there; otherwise none is taken.</returns>
    public bool TryAllocate(uint* slots, uint pages, bool zeroed, bool huge)
    {
        Invariant.Assert(pages != 0 && slots[0] == 0, $"{pages} frames are allocated for slots the first of which has frame {slots[0]}.");
        FrameFlags flags = FrameFlags.NoReclaim | (zeroed ? FrameFlags.Zeroed : FrameFlags.None);
        uint done = 0;
        int orderMax = huge ? Order.Huge.Value : OrderMax;
        while (done < pages)
        {
            int order = int.Min(BitOperations.Log2(pages - done), orderMax);
            if (!frames.TryAllocate(new Order(order), flags, out Pfn frame, out _))
            {
                if (order == 0)
                {
                    Release(slots, done);
                    return false;
                }

                orderMax = order - 1;
                continue;
            }

            Invariant.Assert(
                (frame.Value & ((1u << order) - 1)) == 0 && frame.Value + (1u << order) <= _zone.OpenedFrames,
                $"A block of order {order} was allocated at frame {frame}, of {_zone.OpenedFrames}.");
            Sign(frame, order);
            for (uint i = 0; i < 1u << order; i++)
            {
                slots[done + i] = frame.Value + i + 1;
            }

            done += 1u << order;
        }

        return true;
    }

    /// <summary>Takes frames that the program holds, in blocks as large as there are, so that few mappings show them side by side. Never reclaims.</summary>
    /// <returns>Whether all were there; otherwise none is taken.</returns>
    public bool TryHold(Span<Pfn> held, FrameFlags flags)
    {
        int done = 0;
        int orderMax = OrderMax;
        while (done < held.Length)
        {
            int order = int.Min(BitOperations.Log2((uint)(held.Length - done)), orderMax);
            if (!frames.TryAllocate(new Order(order), flags | FrameFlags.NoReclaim, out Pfn frame, out _))
            {
                if (order == 0)
                {
                    // Nobody was told of them, and no tag says that they are in use.
                    frames.FreeBulk(held[..done], Order.Zero);
                    return false;
                }

                orderMax = order - 1;
                continue;
            }

            for (uint i = 0; i < 1u << order; i++)
            {
                held[done++] = new Pfn(frame.Value + i);
            }
        }

        Invariant.Assert(done == held.Length, $"{done} frames were allocated to be held, of {held.Length}.");
        foreach (Pfn frame in held)
        {
            Invariant.Assert(
                _zone.Descriptor(frame).OwnerTag == 0,
                $"Frame {frame} was allocated and is mapped or held: {_zone.Descriptor(frame).OwnerTag:x}.");
            Atomic.StoreRelease(ref _zone.Descriptor(frame).OwnerTag, Held);
        }

        return true;
    }

    /// <summary>The program gives a frame up that it holds.</summary>
    /// <exception cref="MemoryFaultException">It does not hold it.</exception>
    public void Unhold(Pfn frame)
    {
        uint before = frame.Value < _zone.OpenedFrames ? Atomic.And(ref _zone.Descriptor(frame).OwnerTag, ~Held) : 0;
        if ((before & Held) == 0)
        {
            MemoryFault.Throw(
                MemoryFaultKind.DoubleFree,
                (nuint)_zone.AddressOf(frame),
                $"Frame {frame} is not held: it was given up already, or it did not come from AllocateFrames of this allocator.");
        }

        if (before == Held)
        {
            Invariant.Assert(HeadOf(frame) == frame, $"Frame {frame} was held alone and lies in the block at {HeadOf(frame)}.");
            frames.Free(frame, Order.Zero);
        }
    }

    /// <summary>One more mapping of a frame that somebody holds or maps.</summary>
    public bool TryReference(Pfn frame)
    {
        if (frame.Value >= _zone.OpenedFrames)
        {
            return false;
        }

        ref uint tag = ref _zone.Descriptor(HeadOf(frame)).OwnerTag;
        uint now = Atomic.LoadAcquire(ref tag);
        while (now != 0)
        {
            Invariant.Assert((now & ~Held) != ~Held, $"Frame {frame} is mapped {now & ~Held} times and gets one more.");
            uint found = Atomic.CompareExchangeValue(ref tag, now, now + 1);
            if (found == now)
            {
                return true;
            }

            now = found;
        }

        return false;
    }

    /// <summary>How many pages map a frame, and whether the program holds it.</summary>
    public (uint Mappings, bool Held) Count(Pfn frame)
    {
        uint tag = Atomic.LoadAcquire(ref _zone.Descriptor(HeadOf(frame)).OwnerTag);
        return (tag & ~Held, (tag & Held) != 0);
    }

    /// <summary>Gives up the mappings of a range and empties its slots. Nothing maps the frames there any more.</summary>
    /// <returns>How many frames went back to the allocator.</returns>
    public ulong Release(uint* slots, uint pages)
    {
        ulong freed = 0;
        uint runStart = 0;
        uint runPages = 0;
        for (uint i = 0; i < pages; i++)
        {
            uint slot = slots[i];
            if (slot == 0)
            {
                continue;
            }

            Atomic.StoreRelease(ref slots[i], 0u);
            uint frame = slot - 1;
            Invariant.Assert(frame < _zone.OpenedFrames, $"A slot has frame {frame}, of {_zone.OpenedFrames}.");
            if (!Drop(new Pfn(frame), ref freed))
            {
                continue;
            }

            if (runPages != 0 && frame == runStart + runPages)
            {
                runPages++;
                continue;
            }

            FreeRun(runStart, runPages);
            freed += runPages;
            (runStart, runPages) = (frame, 1);
        }

        FreeRun(runStart, runPages);
        return freed + runPages;
    }

    /// <summary>Drops a mapping. True when the frame is a single one that is free to go back now.</summary>
    private bool Drop(Pfn frame, ref ulong freed)
    {
        Pfn head = HeadOf(frame);
        ref PageFrame descriptor = ref _zone.Descriptor(head);
        bool huge = head.Value % Order.Huge.Frames == 0 && (descriptor.Flags & HugeBlock) != 0;
        Invariant.Assert((Atomic.LoadAcquire(ref descriptor.OwnerTag) & ~Held) != 0, $"Frame {frame} loses a mapping and has none.");
        if (Atomic.Add(ref descriptor.OwnerTag, uint.MaxValue) != 0)
        {
            return false;
        }

        if (!huge)
        {
            return true;
        }

        descriptor.Flags = 0;
        frames.Free(head, Order.Huge);
        freed += Order.Huge.Frames;
        return false;
    }

    /// <summary>The frame whose tag counts for a frame.</summary>
    public Pfn HeadOf(Pfn frame)
    {
        // The flag of a block stands as long as any of its frames is referenced, which the caller sees to.
        var head = new Pfn(frame.Value & ~(Order.Huge.Frames - 1));
        return (_zone.Descriptor(head).Flags & HugeBlock) != 0 ? head : frame;
    }

    private void Sign(Pfn frame, int order)
    {
        Invariant.Assert(
            _zone.Descriptor(frame).OwnerTag == 0 && (_zone.Descriptor(frame).Flags & HugeBlock) == 0,
            $"Frame {frame} was allocated and is mapped {_zone.Descriptor(frame).OwnerTag} times.");
        if (order == Order.Huge.Value)
        {
            _zone.Descriptor(frame).Flags = HugeBlock;
            Atomic.StoreRelease(ref _zone.Descriptor(frame).OwnerTag, Order.Huge.Frames);
            return;
        }

        for (uint i = 0; i < 1u << order; i++)
        {
            Atomic.StoreRelease(ref _zone.Descriptor(new Pfn(frame.Value + i)).OwnerTag, 1u);
        }
    }

    /// <summary>Gives frames that lie side by side back in blocks as large as their alignment allows.</summary>
    private void FreeRun(uint start, uint count)
    {
        while (count > 0)
        {
            Invariant.Assert(start + count <= _zone.OpenedFrames, $"The frames from {start} to {start + count} are freed, of {_zone.OpenedFrames}.");
            int aligned = start == 0 ? OrderMax : BitOperations.TrailingZeroCount(start);
            int order = int.Min(OrderMax, int.Min(aligned, BitOperations.Log2(count)));
            frames.Free(new Pfn(start), new Order(order));
            start += 1u << order;
            count -= 1u << order;
        }
    }
}
