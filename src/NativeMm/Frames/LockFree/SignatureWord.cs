// Purpose      says of the frames of a granule which of them begins an isolated block below order 9, and of which order.
// States       4 bits a frame: 0 no block begins there, otherwise the order + 1
// Transitions  0 → order + 1 by whoever isolated the block, while its bits are his; back to 0 by whoever puts it back, before he releases them.
// Ordering     see LockFreeFrameAllocator.cs, [A13].
// Reuse        the bits of a frame are changed by whoever owns the frame, and those of its neighbours stay as they are.
// Progress     wait-free: one locked instruction each.
// Departure    Linux writes the order into the frame's descriptor (struct page). Descriptors are 64 bytes a frame, so that a sign for each 64 KiB of a zone would keep a
//              quarter of a million of them resident a gigabyte; these words are 8 bytes for each 64 KiB.

using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>The signatures of one granule's frames.</summary>
/// <param name="bits">The word.</param>
internal readonly struct SignatureWord(ulong bits)
{
    private const int BitsPerFrame = 4;
    private const ulong FrameMask = (1 << BitsPerFrame) - 1;

    private readonly ulong _bits = bits;

    /// <summary>The order of the isolated block that begins at a frame, or −1 when none does.</summary>
    /// <param name="frame">The frame, whose place in its granule counts.</param>
    public int OrderAt(uint frame) => (int)(_bits >> ShiftOf(frame) & FrameMask) - 1;

    /// <summary>Reads a word.</summary>
    public static SignatureWord Read(ref readonly ulong cell) => new(Atomic.LoadAcquire(in cell));

    /// <summary>An isolated block begins at a frame.</summary>
    public static void Sign(ref ulong cell, uint frame, int order)
    {
        Invariant.Assert(order >= 0 && order < Order.Huge.Value && Read(ref cell).OrderAt(frame) < 0, $"Frame {frame} is signed with order {order} beside {cell:x}.");
        Atomic.Or(ref cell, (ulong)(order + 1) << ShiftOf(frame));
    }

    /// <summary>None begins there any more.</summary>
    public static void Unsign(ref ulong cell, uint frame)
    {
        Invariant.Assert(Read(ref cell).OrderAt(frame) >= 0, $"Frame {frame} loses a signature that it does not have: {cell:x}.");
        Atomic.And(ref cell, ~(FrameMask << ShiftOf(frame)));
    }

    private static int ShiftOf(uint frame) => (int)(frame % ChildWord.GranuleFrames) * BitsPerFrame;
}
