// Purpose      what spaces keep about one frame that holds a page: who refers to it, and how the frames of a block of 2 MiB go back one by one.
// States       references, bit 0..29 entries, in all spaces · bit 30 the block holds its first frame · bit 31 the frame is of a block · bit 32..63 pins
//              of the block, on its first frame: 0 whole · n > 0 being split, n frames went so far · −n split, n more are on their way here · 0 through.
//              From an allocator that does not split it begins at −512, counts the frames that went, and the block goes back as one at 0.
// Transitions  entries, pins     ±1, by whoever adds or takes one out; to none, bit 31 clear: the frame is the thread's, who frees it
//              to none, bit 31   the thread touches the frame no more and counts it in the block [B2]
//              block 0 → n       that thread splits: the allocator first, then it takes bit 31 off each frame [B1], frees those that had gone, and
//                                counts them out of the block [B3]
//              block → 0         whoever brings it there takes bit 30 off the first frame, and frees it if that was the last
// Ownership    references  | whoever refers to the frame | anybody        | locked operations | the word itself
//              slot        | whoever has the frame       | the same       | exchange          | the word itself
//              block       | whoever counts a frame      | the same       | locked operations | bit 30, which keeps the descriptor
// Ordering     [B1] and the last reference are changes of one word, so of a frame whose last reference went it is known to both sides whether it was of the
//              block at that moment: it was, and the splitter frees it; it was not, and the thread does. The allocator splits before [B1], so who finds bit 31 off
//              frees a single frame.
//              [B2] comes after the last reference, once for each frame that went as one of the block; the splitter counts as many out [B3]. So the word is at 0 only
//              when nobody comes any more, and until then bit 30 keeps the first frame, in whose descriptor the word is.
// Reuse        the words belong to whoever has the frame; bit 31 is set by Begin alone, before anybody else knows of it.
// Progress     wait-free, but for what the allocator does. A thread that stops before [B2] delays one frame, the first.
// Source       Linux's split_huge_page and its deferred split; the hold is this library's.

using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>What spaces keep about one frame that holds a page, in the frame's descriptor.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct FrameHead
{
    /// <summary>Size.</summary>
    public const int Bytes = 32;

    /// <summary>In place of a slot: the content was refused by the swap, and will be as long as it does not change.</summary>
    public const ulong Incompressible = ulong.MaxValue;

    private const ulong Mapping = 1;
    private const ulong MappingMask = BlockHold - 1;
    private const ulong BlockHold = 1UL << 30;
    private const ulong OfBlock = 1UL << 31;
    private const ulong Pin = 1UL << 32;

    [FieldOffset(0)]
    private ulong _references;

    // The slot of the swap that holds the same content, or 0. Then no entry lets anybody write. Taken by exchange by whoever wants to write, or frees
    // the frame.
    [FieldOffset(8)]
    public ulong Slot;

    // Of the first frame of a block of 2 MiB alone.
    [FieldOffset(16)]
    private int _block;

    /// <summary>Entries that refer to the frame.</summary>
    public readonly uint Mappings => (uint)(Atomic.LoadAcquire(in _references) & MappingMask);

    /// <summary>Pins that are out.</summary>
    public readonly uint Pins => (uint)(Atomic.LoadAcquire(in _references) >> 32);

    /// <summary>Whether one entry refers to the frame, and no pin.</summary>
    public readonly bool IsExclusive => (Atomic.LoadAcquire(in _references) & ~(OfBlock | BlockHold)) == Mapping;

    /// <summary>Whether one entry refers to the frame, no pin, and no block: who has that entry has the frame.</summary>
    public readonly bool IsOwn => Atomic.LoadAcquire(in _references) == Mapping;

    /// <summary>Whether the frame is part of a block of 2 MiB that goes back as one, or is being split.</summary>
    public readonly bool IsInBlock => (Atomic.LoadAcquire(in _references) & OfBlock) != 0;

    /// <summary>Whether a block that is being split still needs the frame, its first.</summary>
    public readonly bool IsHeldByBlock => (Atomic.LoadAcquire(in _references) & BlockHold) != 0;

    /// <summary>For the first frame of a block: whether no frame of the block ever went.</summary>
    public readonly bool IsBlockWhole => IsInBlock && Atomic.LoadAcquire(in _block) is 0 or -SharedTables.Entries;

    /// <summary>Whether the swap has the content.</summary>
    public readonly bool HasSlot => Slot != 0 && Slot != Incompressible;

    /// <summary>Whether the swap refused the content.</summary>
    public readonly bool IsIncompressible => Slot == Incompressible;

    /// <summary>Makes it the head of a frame that one entry will refer to.</summary>
    public void Begin(bool isInBlock)
    {
        Slot = 0;
        Atomic.StoreRelease(ref _references, isInBlock ? Mapping | OfBlock : Mapping);
    }

    /// <summary>Makes it the head of the first frame of a block, before those of the others.</summary>
    /// <param name="splits">Whether the allocator can split the block.</param>
    public void BeginFirst(bool splits)
    {
        Slot = 0;
        Atomic.StoreRelease(ref _block, splits ? 0 : -SharedTables.Entries);
        Atomic.StoreRelease(ref _references, splits ? Mapping | OfBlock | BlockHold : Mapping | OfBlock);
    }

    /// <summary>One more entry refers to the frame. The caller holds the lock under which another one does.</summary>
    public void AddMapping()
    {
        Invariant.Assert((Atomic.LoadAcquire(in _references) & ~(OfBlock | BlockHold)) != 0, "A frame that nobody refers to gets a mapping.");
        Atomic.Add(ref _references, Mapping);
    }

    /// <summary>One entry less.</summary>
    /// <returns>Whose the frame is now.</returns>
    public FrameRest DropMapping()
    {
        Invariant.Assert(Mappings != 0, "A frame loses a mapping and has none.");
        return RestOf(Atomic.Add(ref _references, unchecked(0UL - Mapping))); // [B1]
    }

    /// <summary>One more pin. The caller's hazard, or the lock of the table, keeps the frame.</summary>
    public void AddPin()
    {
        Invariant.Assert((Atomic.LoadAcquire(in _references) & ~(OfBlock | BlockHold)) != 0, "A frame that nobody refers to gets a pin.");
        Atomic.Add(ref _references, Pin);
    }

    /// <summary>One pin less.</summary>
    /// <returns>Whose the frame is now.</returns>
    public FrameRest DropPin()
    {
        Invariant.Assert(Pins != 0, "A frame loses a pin and has none.");
        return RestOf(Atomic.Add(ref _references, unchecked(0UL - Pin))); // [B1]
    }

    /// <summary>The frame is a single one from here on. By the splitter, once for each frame.</summary>
    /// <returns>Whether it had gone already, so that it is the splitter's to free.</returns>
    public bool LeaveBlock()
    {
        Invariant.Assert(IsInBlock, "A frame leaves its block twice.");
        return (Atomic.Add(ref _references, unchecked(0UL - OfBlock)) & ~BlockHold) == 0; // [B1]
    }

    /// <summary>Frames of the block went, for its first frame. Once for each, by who was told so; of all of them he touches none any more.</summary>
    public BlockStep CountGone(int frames)
    {
        int now = Atomic.Add(ref _block, frames); // [B2]
        Invariant.Assert(frames > 0 && now <= SharedTables.Entries && now - frames >= -SharedTables.Entries, $"{frames} frames of a block went, and now its word is {now}.");
        return now == frames ? BlockStep.Split : now == 0 ? BlockStep.End : BlockStep.None;
    }

    /// <summary>The splitter is through, for the first frame.</summary>
    /// <param name="frames">Frames that he found gone.</param>
    /// <returns>Whether all of those were counted, so that the block needs its first frame no more.</returns>
    public bool EndSplit(int frames)
    {
        Invariant.Assert(frames > 0 && frames <= SharedTables.Entries, $"A block was split, and {frames} frames of it had gone.");
        int now = Atomic.Add(ref _block, -frames); // [B3]
        Invariant.Assert(now is <= 0 and >= -SharedTables.Entries, $"A block of which {frames} frames had gone is split, and now its word is {now}.");
        return now == 0;
    }

    /// <summary>The block needs its first frame no more, for that.</summary>
    /// <returns>Whose the frame is now.</returns>
    public FrameRest DropHold()
    {
        Invariant.Assert(IsHeldByBlock && !IsInBlock, "A block gives its first frame up twice.");
        return RestOf(Atomic.Add(ref _references, unchecked(0UL - BlockHold)));
    }

    /// <summary>Takes the slot away from the frame; 0 when it has none.</summary>
    public ulong TakeSlot()
    {
        ulong slot = Slot == 0 ? 0 : Atomic.Exchange(ref Slot, 0);
        return slot == Incompressible ? 0 : slot;
    }

    private static FrameRest RestOf(ulong references) =>
        references == 0 ? FrameRest.Unused : (references & ~BlockHold) == OfBlock ? FrameRest.UnusedOfBlock : FrameRest.InUse;
}
