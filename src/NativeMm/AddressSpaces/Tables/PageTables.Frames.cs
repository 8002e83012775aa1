using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Frames that nobody refers to any more. The note of <see cref="FrameHead"/> says how those of a block go.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>The last reference to a frame of a block is gone; the block does not know yet.</summary>
    internal const string PauseGone = "drop: gone, not counted in the block";

    /// <summary>The allocator has 512 single frames; none of them knows yet.</summary>
    internal const string PauseSplit = "split: frames for the allocator, a block for the tables";

    /// <summary>All frames are single ones, and those that had gone are free; the first frame is still held.</summary>
    internal const string PauseLoose = "split: frames are loose, the first is held";

    // Who splits blocks, or null: then a block goes back as one, with its last page.
    private readonly IFrameSource? _splitter;

    /// <summary>An entry less refers to a frame; nobody has a hazard for it through that entry.</summary>
    /// <param name="address">Address of the frame.</param>
    public void DropMapping(nuint address) => DropMapping<NoPause>(address);

    /// <inheritdoc cref="DropMapping(nuint)"/>
    /// <typeparam name="TPause">Where a race test holds the thread.</typeparam>
    internal void DropMapping<TPause>(nuint address)
        where TPause : struct, IPausePoint
    {
        End<TPause>(address, LetGo(ref FrameOf(address)));
    }

    /// <summary>A pin less holds a frame.</summary>
    /// <param name="address">Address of the frame.</param>
    public void DropPin(nuint address) => End<NoPause>(address, FrameOf(address).DropPin());

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
        Invariant.Assert(head.Mappings != 0, "The slot of a frame without a mapping is dropped.");
        if (head.Mappings == 1)
        {
            FreeSlot(head.TakeSlot());
        }
    }

    private FrameRest LetGo(ref FrameHead head)
    {
        if (head.Pins != 0)
        {
            // A pin may outlive the space and its swap.
            DropSlot(ref head);
        }

        return head.DropMapping();
    }

    private void End<TPause>(nuint address, FrameRest rest)
        where TPause : struct, IPausePoint
    {
        Invariant.Assert((address & (nuint)LowMask) == 0 && _zone.Contains((void*)address), $"A frame at 0x{address:x} loses a reference.");
        switch (rest)
        {
            case FrameRest.Unused:
                Invariant.Assert(FrameOf(address) is { Mappings: 0, Pins: 0, IsInBlock: false }, "A frame is freed that somebody refers to.");
                FreeSlot(FrameOf(address).TakeSlot());
                _frames.Free(_zone.FrameOf((void*)address), Order.Zero);
                break;
            case FrameRest.UnusedOfBlock:
                TPause.Reach(PauseGone);
                FreeSlotOfBlock(address);
                CountGone<TPause>(BlockOf(address), 1);
                break;
        }
    }

    private Pfn BlockOf(nuint address) => new(_zone.FrameOf((void*)address).Value & ~(Order.Huge.Frames - 1));

    private nuint AddressOf(Pfn frame) => (nuint)_zone.AddressOf(frame);

    /// <summary>The slot of a frame that went. Where blocks are split it is the splitter's, and so is the frame.</summary>
    private void FreeSlotOfBlock(nuint address)
    {
        if (_splitter is null)
        {
            FreeSlot(FrameOf(address).TakeSlot());
        }
    }

    private void CountGone<TPause>(Pfn block, int frames)
        where TPause : struct, IPausePoint
    {
        switch (FrameOf(AddressOf(block)).CountGone(frames))
        {
            case BlockStep.Split:
                Split<TPause>(block);
                break;
            case BlockStep.End:
                EndBlock(block);
                break;
        }
    }

    /// <summary>Makes single frames of a block, and frees those that have gone.</summary>
    private void Split<TPause>(Pfn block)
        where TPause : struct, IPausePoint
    {
        Invariant.Assert(_splitter is not null && block.Value % Order.Huge.Frames == 0, $"Frame {block} begins no block that can be split.");
        _splitter!.Split(block);
        TPause.Reach(PauseSplit);
        Span<Pfn> free = stackalloc Pfn[SharedTables.Entries];
        int count = 0;
        int gone = 0;

        // The first one last: as long as any frame is of the block, the first one is.
        for (uint i = Order.Huge.Frames; i-- > 0;)
        {
            var frame = new Pfn(block.Value + i);
            ref FrameHead head = ref FrameOf(AddressOf(frame));
            if (head.LeaveBlock())
            {
                gone++;
                if (i != 0)
                {
                    FreeSlot(head.TakeSlot());
                    free[count++] = frame;
                }
            }
        }

        Invariant.Assert(gone > 0 && count <= gone, $"A block is split, and {count} of {gone} frames that had gone are freed.");
        _frames.FreeBulk(free[..count], Order.Zero);
        TPause.Reach(PauseLoose);
        if (FrameOf(AddressOf(block)).EndSplit(gone))
        {
            EndBlock(block);
        }
    }

    private void EndBlock(Pfn block)
    {
        Invariant.Assert(block.Value % Order.Huge.Frames == 0, $"Frame {block} begins no block of 2 MiB.");
        if (_splitter is null)
        {
            _frames.Free(block, Order.Huge);
            return;
        }

        nuint address = AddressOf(block);
        End<NoPause>(address, FrameOf(address).DropHold());
    }
}
