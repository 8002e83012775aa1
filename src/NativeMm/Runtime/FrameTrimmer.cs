using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Runtime;

/// <summary>
/// Gives free frames back to the operating system: blocks of 2 MiB first, then pieces of 64 KiB. A budget keeps back what the program used
/// within the last purge delay, so that memory which is about to be used again is not discarded. One caller at a time.
/// </summary>
internal sealed class FrameTrimmer(IFrameAllocator frames, SlabSpace space, IMemoryPlatform platform)
{
    private const int BlocksPerCall = 32;
    private static readonly Order s_granule = new(4);

    /// <summary>Discards free blocks.</summary>
    /// <param name="bytesMax">Most bytes to give back; what is left of it below 64 KiB stays for the next time.</param>
    /// <returns>Bytes given back.</returns>
    public ulong Discard(ulong bytesMax)
    {
        if ((platform.Capabilities & PlatformCapabilities.Discard) == 0)
        {
            return 0;
        }

        ulong bytes = Discard(Order.Huge, bytesMax);
        return bytes < bytesMax ? bytes + Discard(s_granule, bytesMax - bytes) : bytes;
    }

    private ulong Discard(Order order, ulong bytesMax)
    {
        Span<Pfn> blocks = stackalloc Pfn[BlocksPerCall];
        ulong bytes = 0;
        uint cursor = 0;
        int wanted = Wanted(bytesMax, order);
        while (wanted != 0)
        {
            int found = frames.Isolate(order, blocks[..wanted], ref cursor);
            bytes += DiscardIsolated(blocks[..found], order);
            wanted = cursor == 0 ? 0 : Wanted(bytesMax - bytes, order);
        }

        return bytes;
    }

    private static int Wanted(ulong bytes, Order order) => (int)Math.Min(BlocksPerCall, bytes / order.Bytes);

    private ulong DiscardIsolated(ReadOnlySpan<Pfn> blocks, Order order)
    {
        if (blocks.IsEmpty)
        {
            return 0;
        }

        // With a whole 2 MiB go the bitmaps of the slabs that were in it: a burst of a gigabyte leaves eight megabytes of them behind.
        bool withBitmaps = order >= Order.Huge;
        Span<AddressRange> ranges = stackalloc AddressRange[withBitmaps ? 2 * blocks.Length : blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            ranges[i] = new AddressRange(frames.Zone.BaseAddress + blocks[i].Offset, order.Bytes);
            if (withBitmaps)
            {
                ranges[blocks.Length + i] = space.BitmapsOf(blocks[i], order);
            }
        }

        bool discarded = platform.Discard(ranges, DiscardMode.Now).Succeeded;
        bool zero = discarded && (platform.Capabilities & PlatformCapabilities.DiscardZeroes) != 0;
        frames.PutBack(blocks, order, zero ? FrameContent.ReportedZero : discarded ? FrameContent.Reported : FrameContent.Unknown);
        return discarded ? (ulong)blocks.Length * order.Bytes : 0;
    }
}
