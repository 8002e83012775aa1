using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Systems that cannot map: the window is the zone, and a range is one block of contiguous frames.</content>
public sealed unsafe partial class VmapAllocator
{
    private long _contiguousPages;

    /// <summary>Bytes of the block that a range of a system without mappings needs: what is asked for, at a multiple of its alignment.</summary>
    private static nuint BlockBytes(in RangeWish wish) => nuint.Max(wish.Bytes, wish.AlignPages << Pfn.FrameShift);

    private VmapOutcome MakeContiguous(in RangeWish wish, out void* address, out PlatformResult refusal)
    {
        Invariant.Assert(!_canMap, $"A range of {wish.Pages} pages is made of one block, where frames can be mapped.");
        address = null;
        var order = Order.ForBytes(BlockBytes(wish));
        VmapOutcome outcome = TryTakeRecord(out uint record, out refusal);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        FrameFlags wishes = FrameFlags.NoReclaim | ((wish.Flags & VmapFlags.Zeroed) != 0 ? FrameFlags.Zeroed : FrameFlags.None);
        if (!_frames.TryAllocate(order, wishes, out Pfn frame, out _))
        {
            _areas.Give(record);
            return VmapOutcome.NoFrames;
        }

        refusal = _areas.TryOpenPages(frame.Value + order.Frames);
        if (!refusal.Succeeded)
        {
            _frames.Free(frame, order);
            _areas.Give(record);
            return VmapOutcome.NoBookkeeping;
        }

        Invariant.Assert(order.Frames >= wish.Pages && frame.Value % order.Frames == 0, $"{wish.Pages} pages get the block of order {order} at frame {frame}.");
        Describe(record, wish with { Pages = order.Frames, Flags = wish.Flags & ~VmapFlags.Guarded }, new PageRange(frame.Value, order.Frames));
        for (uint i = 0; i < order.Frames; i++)
        {
            Atomic.StoreRelease(ref _areas.FrameOf[frame.Value + i], frame.Value + i + 1);
        }

        Atomic.Add(ref _contiguousPages, order.Frames);
        Publish(record, poolable: false);
        address = _zone.AddressOf(frame);
        return VmapOutcome.Success;
    }

    private void FreeContiguous(uint record, VmapArea* area)
    {
        PageRange range = area->Range;
        Invariant.Assert(
            BitOperations.IsPow2(range.Pages) && _areas.FrameOf[range.Start] == range.Start + 1,
            $"{range.Pages} pages at {range.Start} are freed as a block, with frame {_areas.FrameOf[range.Start]}.");
        for (uint page = range.Start; page < range.End; page++)
        {
            Atomic.StoreRelease(ref _areas.FrameOf[page], 0u);
        }

        _areas.Enter(range, 0);
        _areas.Give(record);
        Atomic.Add(ref _contiguousPages, -(long)range.Pages);
        Invariant.Assert(Atomic.LoadAcquire(ref _contiguousPages) >= 0, $"{range.Pages} pages are freed, and {_contiguousPages} are left.");
        _frames.Free(new Pfn(range.Start), Order.ForBytes((nuint)range.Pages << Pfn.FrameShift));
    }
}
