using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// A thread's stack of single frames: two pages of its own, one with the magazine's words and its guard, one with the slots.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Isolation)]
internal unsafe struct FrameStack
{
    /// <summary>Bytes of a stack with its slots.</summary>
    public const int Bytes = SlotsOffset + 4096;

    /// <summary>Where the slots begin.</summary>
    public const int SlotsOffset = Magazine.RackBytes;

    /// <summary>Frames that move to or from the allocator behind at once.</summary>
    public const int Batch = 63;

    /// <summary>Most frames that a thread keeps: four batches, so that a thread that goes up and down by a batch stays in its stack.</summary>
    public const int Capacity = 4 * Batch;

    // Owner: whoever refills, flushes or steals.
    [FieldOffset(64)]
    public SpinLock<NoLockStatistics> Guard;

    // Owner: whoever holds the registry's lock, while the stack belongs to no thread.
    [FieldOffset(80)]
    public FrameStack* NextSpare;

    /// <summary>The magazine. Its words lie in this page at offset 0 and at each KiB; the stack never moves.</summary>
    public Magazine Magazine => Magazine.At(Unsafe.AsPointer(ref this), 0);
}
