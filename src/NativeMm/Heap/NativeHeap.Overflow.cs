using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>
/// When the zone has frames enough but no run that is long enough: blocks that leave much of a power of two unused then get a mapping of their own,
/// as long as these and the zone's frames together stay within the zone's length. A frame that nobody uses costs no memory, so the limit can be used
/// up whatever the sizes.
/// </content>
public sealed unsafe partial class NativeHeap
{
    // Smaller blocks share slabs of one order with all others, so they fit wherever a slab does.
    private const nuint OverflowBytesMin = 16 << 10;

    /// <summary>The last resort of an allocation that a class cannot serve.</summary>
    /// <param name="byteCount">Bytes asked for, up to those of the largest class.</param>
    /// <param name="zeroed">Whether the block must read as zero.</param>
    /// <returns>A mapping with the alignment of the class, or null.</returns>
    private void* TryAllocOverflow(nuint byteCount, bool zeroed)
    {
        nuint bytes = SizeClass.ForBytes(Math.Max(byteCount, 1)).BlockBytes;
        if (bytes <= OverflowBytesMin)
        {
            return null;
        }

        // Threads that look at the same time may pass the limit by a block each.
        ulong free = (_space.Frames is IFrameSource source ? source.CountFreeFrames() : _space.Frames.GetStatistics().FreeFrames) << Pfn.FrameShift;
        ulong large = 0;
        foreach (NativeHeap heap in _space.Heaps())
        {
            large += heap._large.Statistics.LiveBytes;
        }

        nuint alignment = bytes & (0 - bytes);
        return large + bytes <= free && _large.TryAlloc(bytes, alignment, zeroed, out nuint block) ? (void*)block : null;
    }
}
