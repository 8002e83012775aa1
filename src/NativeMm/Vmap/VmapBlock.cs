using System.Numerics;

namespace NativeMm.Vmap;

/// <summary>
/// 4 MiB of a window from which one core cuts short-lived maps, upwards and without reusing a page before the whole block is unmapped. Guarded by
/// the lock of its queue.
/// </summary>
/// <param name="queue">The queue that it belongs to as long as it lives; found here, never from an address.</param>
/// <param name="record">The record of its range.</param>
/// <param name="start">Its first page.</param>
internal sealed class VmapBlock(VmapBlockQueue queue, uint record, uint start)
{
    /// <summary>Pages of a block.</summary>
    public const uint Pages = 1024;

    /// <summary>Pages of the largest map that is cut from a block: a word of bits.</summary>
    public const int MapPagesMax = 64;

    private readonly ulong[] _used = new ulong[Pages / 64];
    private readonly ulong[] _dirty = new ulong[Pages / 64];

    /// <summary>The queue that it belongs to.</summary>
    public VmapBlockQueue Queue => queue;

    /// <summary>The record of its range.</summary>
    public uint Record => record;

    /// <summary>Its first page.</summary>
    public uint Start => start;

    /// <summary>The first page that was never handed out.</summary>
    public uint Cursor { get; private set; }

    /// <summary>Pages in use.</summary>
    public uint Used { get; private set; }

    /// <summary>Pages that were in use and are so no more.</summary>
    public uint Dirty { get; private set; }

    /// <summary>Pages that the map of a number of frames takes.</summary>
    public static uint Rounded(int frames) => BitOperations.RoundUpToPowerOf2((uint)frames);

    /// <summary>Whether a page is in use; advice outside of the lock.</summary>
    public bool IsUsed(uint offset) => (_used[offset / 64] >> (int)(offset % 64) & 1) != 0;

    /// <summary>Hands the next pages out if there are so many.</summary>
    public bool TryCut(uint pages, out uint offset)
    {
        // Sizes are powers of two up to a word, and an offset is rounded up to its size, so that the bits of a map lie in one word.
        offset = (Cursor + pages - 1) & ~(pages - 1);
        if (offset + pages > Pages)
        {
            return false;
        }

        Dirty += offset - Cursor;
        Cursor = offset + pages;
        Used += pages;
        _used[offset / 64] |= Bits(offset, pages);
        return true;
    }

    /// <summary>Takes pages back. False, and nothing changes, when they are not in use as a whole.</summary>
    public bool TryReturn(uint offset, uint pages)
    {
        if (offset % pages != 0 || offset + pages > Pages || (_used[offset / 64] & Bits(offset, pages)) != Bits(offset, pages))
        {
            return false;
        }

        _used[offset / 64] &= ~Bits(offset, pages);
        _dirty[offset / 64] |= Bits(offset, pages);
        Used -= pages;
        Dirty += pages;
        return true;
    }

    /// <summary>Makes sure that nothing is cut from here any more: what was never handed out counts as used up.</summary>
    public void Close()
    {
        Dirty += Pages - Cursor;
        Cursor = Pages;
    }

    /// <summary>The next run of pages that are stale and were not unmapped yet; they count as unmapped from now on.</summary>
    public bool TryTakeDirty(out uint offset, out uint pages)
    {
        for (offset = 0; offset < Pages; offset++)
        {
            pages = 0;
            while (offset + pages < Pages && (_dirty[(offset + pages) / 64] >> (int)((offset + pages) % 64) & 1) != 0)
            {
                _dirty[(offset + pages) / 64] &= ~(1UL << (int)((offset + pages) % 64));
                pages++;
            }

            if (pages != 0)
            {
                return true;
            }
        }

        pages = 0;
        return false;
    }

    /// <summary>Puts pages back among the stale ones.</summary>
    public void PutDirty(uint offset, uint pages)
    {
        for (uint page = offset; page < offset + pages; page++)
        {
            _dirty[page / 64] |= 1UL << (int)(page % 64);
        }
    }

    private static ulong Bits(uint offset, uint pages) => (pages == 64 ? ulong.MaxValue : (1UL << (int)pages) - 1) << (int)(offset % 64);
}
