using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Leaves whose pages lie in one block of 2 MiB.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>Fills a leaf with the pages of a block, in order. The caller holds the leaf's lock, and has taken out what was in it.</summary>
    /// <param name="head">The leaf's head.</param>
    /// <param name="leaf">The leaf.</param>
    /// <param name="block">Address of a block of order 9.</param>
    /// <param name="flags">Flags of each page.</param>
    public void PutBlock(ref TableHead head, ulong* leaf, nuint block, ulong flags)
    {
        Invariant.Assert(head.Population == 0 && head.Level == 0, $"A block is put into a leaf of {head.Population} pages, level {head.Level}.");
        BeginBlock(block);
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            nuint address = block + ((nuint)i * Pfn.FrameBytes);
            Put(ref head, leaf + i, LeafEntry.Present(address, flags));
        }

        head.IsHuge = true;
    }

    /// <summary>Makes the heads of the frames of a block, each of which one entry will refer to.</summary>
    private void BeginBlock(nuint block)
    {
        Invariant.Assert((block - _zone.BaseAddress) % (nuint)Order.Huge.Bytes == 0, $"A block of 2 MiB begins at 0x{block:x}.");
        FrameOf(block).BeginFirst(_splitter is not null);
        for (int i = 1; i < SharedTables.Entries; i++)
        {
            FrameOf(block + ((nuint)i * Pfn.FrameBytes)).Begin(isInBlock: true);
        }
    }
}
