using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// A thread's stack of single frames: a page of its own, with the magazine and its guard in front and the slots behind.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal struct FrameStack
{
    /// <summary>Bytes of a stack with its slots.</summary>
    public const int Bytes = 4096;

    /// <summary>Frames that move to or from the allocator behind at once.</summary>
    public const int Batch = 63;

    /// <summary>Most frames that a thread keeps: four batches, so that a thread that goes up and down by a batch stays in its stack.</summary>
    public const int Capacity = 4 * Batch;

    // Owner: the thread whose stack it is; the guard's holder for the words that thieves write.
    [FieldOffset(0)]
    public Magazine Magazine;

    // Owner: whoever refills, flushes or steals.
    [FieldOffset(64)]
    public SpinLock<NoLockStatistics> Guard;
}
