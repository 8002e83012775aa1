using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Systems that cannot map: the window is the zone, and a range is one block of contiguous frames.</content>
public sealed unsafe partial class VmapAllocator
{
    private long _contiguousPages;

    private VmapOutcome AllocContiguous(nuint bytes, VmapFlags flags, nuint alignment, out void* address)
    {
        address = null;
        nuint size = nuint.Max(bytes, alignment);
        if (size > Order.Max.Bytes)
        {
            return VmapOutcome.NoFrames;
        }

        Order order = Order.ForBytes(size);
        uint record = _areas.TryTake();
        if (record == 0)
        {
            return VmapOutcome.NoRecords;
        }

        FrameFlags wishes = (flags & VmapFlags.Zeroed) != 0 ? FrameFlags.Zeroed : FrameFlags.None;
        if (!_frames.TryAllocate(order, wishes, out Pfn frame, out _))
        {
            _areas.Give(record);
            return VmapOutcome.NoFrames;
        }

        var wish = new RangeWish(VmapAreaKind.Alloc, bytes, order.Frames, flags & ~VmapFlags.Guarded, 1);
        Describe(record, wish, new PageRange(frame.Value, order.Frames));
        _areas.Records[record].Poolable = 0;
        for (uint i = 0; i < order.Frames; i++)
        {
            Atomic.StoreRelease(ref _areas.FrameOf[frame.Value + i], frame.Value + i + 1);
        }

        Atomic.Add(ref _contiguousPages, order.Frames);
        Publish(record, VmapAreaState.Busy);
        address = _zone.AddressOf(frame);
        return VmapOutcome.Success;
    }

    private void FreeContiguous(uint record, VmapArea* area)
    {
        PageRange range = area->Range;
        for (uint page = range.Start; page < range.End; page++)
        {
            Atomic.StoreRelease(ref _areas.FrameOf[page], 0u);
        }

        _areas.Enter(range, 0);
        _areas.Give(record);
        Atomic.Add(ref _contiguousPages, -(long)range.Pages);
        _frames.Free(new Pfn(range.Start), Order.ForBytes((nuint)range.Pages << Pfn.FrameShift));
    }
}
