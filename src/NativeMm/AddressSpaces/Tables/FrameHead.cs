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
    private const ulong Pin = 1UL << 32;

    // Bits 0 to 31: entries that refer to the frame, in all spaces. Bits 32 to 63: pins. Locked operations; whoever brings it to 0 frees the frame.
    [FieldOffset(0)]
    private ulong _references;

    // The slot of the swap that holds the same content, or 0. Then no entry lets anybody write. Taken by exchange by whoever wants to write, or frees
    // the frame.
    [FieldOffset(8)]
    public ulong Slot;

    // For the first frame of a block of 2 MiB: frames of it that are in use. Locked operations; whoever brings it to 0 frees the block.
    [FieldOffset(16)]
    private uint _blockFrames;

    // Whether the frame is part of a block of 2 MiB.
    [FieldOffset(20)]
    public bool IsInBlock;

    /// <summary>Entries that refer to the frame.</summary>
    public readonly uint Mappings => (uint)Atomic.LoadAcquire(in _references);

    /// <summary>Pins that are out.</summary>
    public readonly uint Pins => (uint)(Atomic.LoadAcquire(in _references) >> 32);

    /// <summary>Whether one entry refers to the frame, and no pin.</summary>
    public readonly bool IsExclusive => Atomic.LoadAcquire(in _references) == Mapping;

    /// <summary>Makes it the head of a frame that one entry will refer to.</summary>
    public void Begin(bool isInBlock)
    {
        Slot = 0;
        IsInBlock = isInBlock;
        Atomic.StoreRelease(ref _references, Mapping);
    }

    /// <summary>Counts the frames of a block, for its first frame.</summary>
    public void BeginBlock(uint frames) => Atomic.StoreRelease(ref _blockFrames, frames);

    /// <summary>One more entry refers to the frame. The caller holds the lock under which another one does.</summary>
    public void AddMapping()
    {
        Invariant.Assert(Atomic.LoadAcquire(in _references) != 0, "A frame that nobody refers to gets a mapping.");
        Atomic.Add(ref _references, Mapping);
    }

    /// <summary>One entry less.</summary>
    /// <returns>Whether nobody refers to the frame any more.</returns>
    public bool DropMapping()
    {
        Invariant.Assert(Mappings != 0, "A frame loses a mapping and has none.");
        return Atomic.Add(ref _references, unchecked(0UL - Mapping)) == 0;
    }

    /// <summary>One more pin. The caller's hazard, or the lock of the table, keeps the frame.</summary>
    public void AddPin()
    {
        Invariant.Assert(Atomic.LoadAcquire(in _references) != 0, "A frame that nobody refers to gets a pin.");
        Atomic.Add(ref _references, Pin);
    }

    /// <summary>One pin less.</summary>
    /// <returns>Whether nobody refers to the frame any more.</returns>
    public bool DropPin()
    {
        Invariant.Assert(Pins != 0, "A frame loses a pin and has none.");
        return Atomic.Add(ref _references, unchecked(0UL - Pin)) == 0;
    }

    /// <summary>One frame of the block is free, for its first frame.</summary>
    /// <returns>Whether all are.</returns>
    public bool DropBlockFrame() => DropBlockFrames(1);

    /// <summary>Frames of the block are free, for its first frame.</summary>
    /// <returns>Whether all are.</returns>
    public bool DropBlockFrames(uint frames)
    {
        Invariant.Assert(frames != 0 && Atomic.LoadAcquire(in _blockFrames) >= frames, $"{frames} frames of a block become free, of {_blockFrames} in use.");
        return Atomic.Add(ref _blockFrames, unchecked(0 - frames)) == 0;
    }

    /// <summary>Whether the swap has the content.</summary>
    public readonly bool HasSlot => Slot != 0 && Slot != Incompressible;

    /// <summary>Whether the swap refused the content.</summary>
    public readonly bool IsIncompressible => Slot == Incompressible;

    /// <summary>Takes the slot away from the frame; 0 when it has none.</summary>
    public ulong TakeSlot()
    {
        ulong slot = Slot == 0 ? 0 : Atomic.Exchange(ref Slot, 0);
        return slot == Incompressible ? 0 : slot;
    }
}
