using System.Runtime.InteropServices;

namespace NativeMm.Frames;

/// <summary>
/// Descriptor of one page frame: 64 bytes beside the zone, never inside the memory that it describes. Only the head of an allocated block
/// is written; the descriptors of other frames keep what they last held.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct PageFrame
{
    /// <summary>Size of a descriptor.</summary>
    public const int Bytes = 64;

    // Owner: whoever allocated the block, plain writes, cleared before the block is freed.
    [FieldOffset(0)]
    public FrameOwner Owner;

    [FieldOffset(2)]
    public ushort Flags;

    [FieldOffset(4)]
    public uint OwnerTag;

    // Owner: the allocator that lists the frame while it is free, under its lock.
    [FieldOffset(16)]
    public uint NextFree;

    [FieldOffset(20)]
    public uint PreviousFree;

    // Owner: the allocator that has the block, as a BuddyWord; CAS from "allocated" by whoever frees, otherwise under the zone's lock.
    [FieldOffset(24)]
    public uint Block;

    // Owner: the buddy allocator, under the zone's lock. Frames of a free or isolated block that were handed out since they were last reported.
    // Splits cannot tell which half they lie in, but never count one twice.
    [FieldOffset(28)]
    public uint Held;

    // Owner: whoever allocated the block, for what he keeps about a frame; free from one allocation to the next, content undefined.
    [FieldOffset(OwnerWordsOffset)]
    public fixed ulong OwnerWords[OwnerWordCount];

    /// <summary>Where the owner's words begin.</summary>
    public const int OwnerWordsOffset = 32;

    /// <summary>How many words an owner has.</summary>
    public const int OwnerWordCount = 4;
}
