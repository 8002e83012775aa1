using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Frames that nobody refers to any more.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>An entry less refers to a frame; nobody has a hazard for it through that entry.</summary>
    /// <param name="address">Address of the frame.</param>
    public void DropMapping(nuint address)
    {
        ref FrameHead head = ref FrameOf(address);
        if (head.Pins != 0)
        {
            // A pin may outlive the space and its swap.
            DropSlot(ref head);
        }

        if (head.DropMapping())
        {
            FreeFrame(address, ref head);
        }
    }

    /// <summary>A pin less holds a frame.</summary>
    /// <param name="address">Address of the frame.</param>
    public void DropPin(nuint address)
    {
        ref FrameHead head = ref FrameOf(address);
        if (head.DropPin())
        {
            FreeFrame(address, ref head);
        }
    }

    /// <summary>Gives a slot of the swap up.</summary>
    public void FreeSlot(ulong slot)
    {
        if (slot != 0)
        {
            _swap?.Free(slot);
        }
    }

    /// <summary>Gives the slot of a frame up that only the caller's entry, which is taken out, refers to.</summary>
    private void DropSlot(ref FrameHead head)
    {
        if (head.Mappings == 1)
        {
            FreeSlot(head.TakeSlot());
        }
    }

    private void FreeFrame(nuint address, ref FrameHead head)
    {
        Invariant.Assert(head.Mappings == 0 && head.Pins == 0, $"A frame is freed that has {head.Mappings} mappings and {head.Pins} pins.");
        FreeSlot(head.TakeSlot());
        Pfn frame = _zone.FrameOf((void*)address);
        if (!head.IsInBlock)
        {
            _frames.Free(frame, Order.Zero);
            return;
        }

        var first = new Pfn(frame.Value & ~(Order.Huge.Frames - 1));
        if (FrameOf((nuint)_zone.AddressOf(first)).DropBlockFrame())
        {
            _frames.Free(first, Order.Huge);
        }
    }
}
