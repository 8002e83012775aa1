using System.Numerics;
using NativeMm.Diagnostics;

namespace NativeMm.Vmap;

/// <summary>
/// 4 MiB of a window from which one core cuts short-lived maps, upwards and without reusing a page before the whole block is unmapped. Guarded by
/// the lock of its queue.
/// </summary>
/// <param name="queue">The queue that it belongs to as long as it lives; found here, never from an address.</param>
internal sealed class VmapBlock(VmapBlockQueue queue)
{
    /// <summary>Pages of a block.</summary>
    public const uint Pages = 1024;

    /// <summary>Pages of the largest map that is cut from a block: a word of bits.</summary>
    public const int MapPagesMax = 64;

    // Frames of the map that begins at a page, 0 where none does.
    private readonly byte[] _frames = new byte[Pages];
    private readonly ulong[] _used = new ulong[Pages / 64];

    // Pages that were given back and not unmapped since.
    private readonly ulong[] _stale = new ulong[Pages / 64];

    /// <summary>The queue that it belongs to.</summary>
    public VmapBlockQueue Queue => queue;

    /// <summary>The record of its range; 0 until <see cref="Begin"/>.</summary>
    public uint Record { get; private set; }

    /// <summary>Its first page.</summary>
    public uint Start { get; private set; }

    /// <summary>The next block of the queue.</summary>
    public VmapBlock? Next { get; set; }

    /// <summary>Whether it is in its queue.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The first page that was never handed out.</summary>
    public uint Cursor { get; private set; }

    /// <summary>Pages in use.</summary>
    public uint Used { get; private set; }

    /// <summary>Pages that were in use and are so no more.</summary>
    public uint Dirty { get; private set; }

    /// <summary>Whether a page is in use; advice outside of the lock.</summary>
    public bool IsUsed(uint offset) => (_used[offset / 64] >> (int)(offset % 64) & 1) != 0;

    /// <summary>Frames of the map that begins at a page, 0 where none does.</summary>
    public int FramesAt(uint offset) => _frames[offset];

    /// <summary>The first page of the map that a page in use belongs to; advice outside of the lock.</summary>
    public uint StartOf(uint offset)
    {
        while (offset > 0 && _frames[offset] == 0)
        {
            offset--;
        }

        return offset;
    }

    /// <summary>Gives the block its range, before anybody else knows of it.</summary>
    /// <param name="record">The record of the range.</param>
    /// <param name="start">Its first page.</param>
    public void Begin(uint record, uint start)
    {
        Invariant.Assert(record != 0 && Record == 0, $"A block gets range {record} and has range {Record}.");
        Record = record;
        Start = start;
    }

    /// <summary>Hands the next pages out if there are so many.</summary>
    /// <param name="frames">Frames of the map, 1 to <see cref="MapPagesMax"/>.</param>
    /// <param name="offset">Its first page.</param>
    public bool TryCut(int frames, out uint offset)
    {
        // Sizes are powers of two up to a word, and an offset is rounded up to its size, so that the bits of a map lie in one word.
        Invariant.Assert(frames is > 0 and <= MapPagesMax, $"A map of {frames} frames is cut.");
        uint pages = Rounded(frames);
        offset = (Cursor + pages - 1) & ~(pages - 1);
        if (offset + pages > Pages)
        {
            return false;
        }

        Dirty += offset - Cursor;
        Cursor = offset + pages;
        Used += pages;
        Invariant.Assert(
            ((_used[offset / 64] | _stale[offset / 64]) & Bits(offset, pages)) == 0,
            $"The {pages} pages at {offset} of a block are handed out twice.");
        _used[offset / 64] |= Bits(offset, pages);
        _frames[offset] = (byte)frames;
        Invariant.Assert(Used + Dirty == Cursor, $"Of the {Cursor} pages that were cut {Used} are in use and {Dirty} are not.");
        return true;
    }

    /// <summary>Takes the map back that begins at a page.</summary>
    public void Return(uint offset)
    {
        uint pages = Rounded(_frames[offset]);
        Invariant.Assert(
            _frames[offset] != 0 && (_used[offset / 64] & Bits(offset, pages)) == Bits(offset, pages),
            $"The map at {offset} of a block is taken back and has {_frames[offset]} frames.");
        Invariant.Assert((_stale[offset / 64] & Bits(offset, pages)) == 0, $"The map at {offset} of a block is in use and stale.");
        _frames[offset] = 0;
        _used[offset / 64] &= ~Bits(offset, pages);
        _stale[offset / 64] |= Bits(offset, pages);
        Used -= pages;
        Dirty += pages;
        Invariant.Assert(Used + Dirty == Cursor, $"Of the {Cursor} pages that were cut {Used} are in use and {Dirty} are not.");
    }

    /// <summary>Makes sure that nothing is cut from here any more: what was never handed out counts as used up.</summary>
    public void Close()
    {
        Dirty += Pages - Cursor;
        Cursor = Pages;
        Invariant.Assert(Used + Dirty == Pages, $"Of a block that is closed {Used} pages are in use and {Dirty} are not.");
    }

    /// <summary>
    /// Takes the next run of pages that are stale and were not unmapped yet. They count as in use until <see cref="PutStale"/>, so that the block stays.
    /// </summary>
    /// <param name="from">Where to look from.</param>
    /// <param name="offset">First page of the run.</param>
    /// <param name="pages">Its length.</param>
    public bool TryTakeStale(uint from, out uint offset, out uint pages)
    {
        pages = 0;
        for (offset = from; offset < Pages; offset++)
        {
            while (offset + pages < Pages && (_stale[(offset + pages) / 64] >> (int)((offset + pages) % 64) & 1) != 0)
            {
                _stale[(offset + pages) / 64] &= ~(1UL << (int)((offset + pages) % 64));
                pages++;
            }

            if (pages != 0)
            {
                Used += pages;
                Dirty -= pages;
                Invariant.Assert(Used + Dirty == Cursor && offset + pages <= Cursor, $"The {pages} pages at {offset} are stale, of {Cursor} that were cut.");
                return true;
            }
        }

        return false;
    }

    /// <summary>Puts pages back that <see cref="TryTakeStale"/> took.</summary>
    /// <param name="offset">First page of the run.</param>
    /// <param name="pages">Its length.</param>
    /// <param name="unmapped">Whether they were unmapped, so that they are stale no more.</param>
    public void PutStale(uint offset, uint pages, bool unmapped)
    {
        Invariant.Assert(pages != 0 && Used >= pages && offset + pages <= Cursor, $"The {pages} pages at {offset} are put back, of {Used} in use.");
        Used -= pages;
        Dirty += pages;
        for (uint page = offset; !unmapped && page < offset + pages; page++)
        {
            Invariant.Assert(!IsUsed(page), $"Page {page} of a block was stale and is in use.");
            _stale[page / 64] |= 1UL << (int)(page % 64);
        }
    }

    /// <summary>Pages that the map of a number of frames takes.</summary>
    private static uint Rounded(int frames) => BitOperations.RoundUpToPowerOf2((uint)frames);

    private static ulong Bits(uint offset, uint pages) => (pages == 64 ? ulong.MaxValue : (1UL << (int)pages) - 1) << (int)(offset % 64);
}
