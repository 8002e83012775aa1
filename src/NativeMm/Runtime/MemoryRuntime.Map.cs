using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>Who has which frames, for those who look.</content>
public sealed partial class MemoryRuntime
{
    private const uint FramesInCell = 512;
    private const int GranuleFramesShift = SlabSpace.GranuleShift - Pfn.FrameShift;

    /// <summary>The shared runtime if anything was allocated from it yet; looking does not make it.</summary>
    internal static MemoryRuntime? SharedIfUsed => s_shared;

    /// <summary>The blocks of 2 MiB that were ever used, those of vmap behind those of the heaps. Empty with an allocator that does not tell.</summary>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    internal List<FrameMapCell> MapFrames()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        var cells = new List<FrameMapCell>();
        if (_frames is IBlockedFrames frames)
        {
            ZsPool[] pools = [.. Pools().Where(pool => !pool.IsDisposed)];
            for (uint block = 0; block < frames.BlockCount; block++)
            {
                int used = (int)frames.UsedOf(block, out uint held);
                int heap = int.Min(CountSlabFrames(block), used);
                int pooled = int.Min((int)pools.Sum(pool => ((IFrameCensus)pool).CountFrames(new Pfn(block * FramesInCell), FramesInCell)), used - heap);
                cells.Add(CellOf(used, (int)held, heap, pooled, 0));
            }
        }

        if (VmapIfUsed is { } vmap)
        {
            IBlockedFrames mappable = vmap.BlockedFrames;
            for (uint block = 0; block < mappable.BlockCount; block++)
            {
                int used = (int)mappable.UsedOf(block, out uint held);
                cells.Add(CellOf(used, (int)held, 0, 0, used));
            }
        }

        return cells;
    }

    private static FrameMapCell CellOf(int used, int held, int heap, int zsmalloc, int vmap)
    {
        int free = int.Clamp(held, 0, (int)FramesInCell - used);
        return new FrameMapCell(heap, zsmalloc, vmap, used - heap - zsmalloc - vmap, free, (int)FramesInCell - used - free);
    }

    /// <summary>The word of a granule tells whose slab it is, and can be read for every granule of the zone.</summary>
    private int CountSlabFrames(uint block)
    {
        uint first = block * (FramesInCell >> GranuleFramesShift);
        uint end = uint.Min(first + (FramesInCell >> GranuleFramesShift), _zone.FrameCount >> GranuleFramesShift);
        int granules = 0;
        for (uint granule = first; granule < end; granule++)
        {
            granules += _space.OwnerAt(granule) != 0 ? 1 : 0;
        }

        return granules << GranuleFramesShift;
    }
}
