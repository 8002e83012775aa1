using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Heap;

/// <content>Giving back pages inside slabs that are used in part.</content>
internal sealed unsafe partial class Depot
{
    /// <summary>Slabs that a pass looks at under the lock before it lets others in.</summary>
    private const int LooksPerSection = 64;

    /// <summary>
    /// Gives the unused pages inside slabs that did not change for some passes back to the operating system. The free blocks of a slab are
    /// taken out while that happens, so no lock is held over a system call. One thread at a time: the heap's upkeep lock.
    /// </summary>
    /// <param name="passes">How many passes a slab must have rested.</param>
    /// <returns>Bytes given back.</returns>
    public ulong DiscardUnusedPages(uint passes)
    {
        Span<ulong> taken = stackalloc ulong[SlabGeometry.BlocksMax / 64];
        taken = taken[..((_geometry.Blocks + 63) >> 6)];
        ulong discarded = 0;

        // Bounded: other threads may change the slabs again as fast as this one goes through them.
        int left = BeginWalk();
        while (left > 0)
        {
            SlabTicket held = HoldResting(passes, taken, out int touchedEnd, ref left);
            if (!held.IsNone)
            {
                discarded += DiscardRuns(_space.AddressOf(held.Granule), taken, touchedEnd);
                PutHeld(held, taken);
            }
        }

        return discarded;
    }

    /// <summary>Sets the walk to the oldest slab.</summary>
    /// <returns>How many slabs are worth a look.</returns>
    internal int BeginWalk()
    {
        EnterLock();
        _walk = _oldest;
        int slabs = _slabs;
        _lock.Exit();
        return slabs;
    }

    /// <summary>
    /// Goes on with the walk until it finds a slab with pages to give back, and takes its free blocks out in the same section: nobody else can
    /// have them from then on, and without them the slab cannot go.
    /// </summary>
    /// <param name="passes">How many passes a slab must have rested.</param>
    /// <param name="taken">Receives the free blocks.</param>
    /// <param name="touchedEnd">Blocks from here on were never touched.</param>
    /// <param name="left">Looks left; 0 at the end of the list.</param>
    /// <returns>The slab, for <see cref="PutHeld"/>; none when others want the lock or the walk has ended.</returns>
    internal SlabTicket HoldResting(uint passes, Span<ulong> taken, out int touchedEnd, ref int left)
    {
        SlabTicket held = SlabTicket.None;
        touchedEnd = 0;
        EnterLock();
        for (int looks = Math.Min(left, LooksPerSection); looks > 0 && held.IsNone && _walk != Slab.None; looks--)
        {
            left--;
            uint granule = _walk;
            ref Slab slab = ref _space.SlabAt(granule);
            _walk = slab.Next;
            if (slab.Held || _pass - slab.ChangedAt < passes)
            {
                continue;
            }

            if (slab.FreeCount == _geometry.Blocks)
            {
                // It was made for a thread that then found other blocks.
                FreeSlabLocked(ref slab, granule);
            }
            else if (slab.DiscardedAt < 0)
            {
                touchedEnd = slab.Untouched;
                held = HoldLocked(ref slab, granule, taken);
            }
        }

        left = _walk == Slab.None ? 0 : left;
        _lock.Exit();
        return held;
    }

    /// <summary>Brings the free blocks of a slab back that <see cref="HoldResting"/> took out.</summary>
    internal void PutHeld(SlabTicket held, ReadOnlySpan<ulong> taken)
    {
        EnterLock();
        bool isAlive = _space.IsAlive(held);
        if (isAlive)
        {
            PutHeldLocked(ref _space.SlabAt(held.Granule), held.Granule, taken);
        }

        _lock.Exit();
        Invariant.Check(isAlive, $"Slab {held.Granule} went away while a trim pass held its free blocks.");
    }

    private SlabTicket HoldLocked(ref Slab slab, uint granule, Span<ulong> taken)
    {
        Span<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        Invariant.Assert(_lock.IsHeld && !slab.Held && slab.Listed, $"Slab {granule} cannot be held: {(slab.Held ? "it is" : "it is not listed")}.");
        Invariant.Assert(slab.FreeCount > 0 && slab.FreeCount < _geometry.Blocks, $"Slab {granule} is held with {slab.FreeCount} free blocks of {_geometry.Blocks}.");
        bitmap.CopyTo(taken);
        bitmap.Clear();
        slab.DiscardedAt = slab.FreeCount;
        slab.FreeCount = 0;
        slab.FirstWord = bitmap.Length - 1;
        slab.Held = true;
        UnlinkLocked(ref slab);
        AssertSlabLocked(granule);
        return _space.TicketOf(granule);
    }

    private void PutHeldLocked(ref Slab slab, uint granule, ReadOnlySpan<ulong> taken)
    {
        Span<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        Invariant.Assert(_lock.IsHeld && slab.Held, $"Slab {granule} gets its blocks back and was not held.");
        for (int i = 0; i < taken.Length; i++)
        {
            // A block that was freed a second time meanwhile is not counted twice.
            slab.FreeCount += BitOperations.PopCount(taken[i] & ~bitmap[i]);
            _setBits -= BitOperations.PopCount(taken[i] & bitmap[i]);
            bitmap[i] |= taken[i];
        }

        Invariant.Assert(slab.FreeCount > 0 && slab.FreeCount <= _geometry.Blocks, $"Slab {granule} has {slab.FreeCount} free blocks of {_geometry.Blocks} after a trim pass.");
        slab.Held = false;
        slab.FirstWord = 0;
        if (slab.FreeCount == _geometry.Blocks)
        {
            FreeSlabLocked(ref slab, granule);
        }
        else if (!slab.Listed)
        {
            LinkNewestLocked(ref slab, granule);
        }

        AssertSlabLocked(granule);
    }

    /// <summary>Discards the whole pages inside each run of free blocks that was touched before.</summary>
    private ulong DiscardRuns(nuint address, ReadOnlySpan<ulong> free, int touchedEnd)
    {
        nuint page = _space.Platform.PageBytes;
        ulong bytes = 0;
        int index = NextFree(free, 0);
        while (index < touchedEnd)
        {
            int end = index + 1;
            while (end < touchedEnd && IsFree(free, end))
            {
                end++;
            }

            nuint from = address + ((nuint)index * _geometry.BlockBytes);
            AddressRange pages = new AddressRange(from, (nuint)(end - index) * _geometry.BlockBytes).WholePages(page);
            if (pages.Bytes != 0 && _space.Platform.Discard(pages.Address, pages.Bytes, DiscardMode.Now).Succeeded)
            {
                bytes += pages.Bytes;
            }

            index = NextFree(free, end);
        }

        return bytes;
    }

    private static bool IsFree(ReadOnlySpan<ulong> free, int index) => (free[index >> 6] & (1UL << (index & 63))) != 0;

    private static int NextFree(ReadOnlySpan<ulong> free, int index)
    {
        int word = index >> 6;
        ulong bits = word < free.Length ? free[word] & (ulong.MaxValue << (index & 63)) : 0;
        while (bits == 0)
        {
            if (++word >= free.Length)
            {
                return int.MaxValue;
            }

            bits = free[word];
        }

        return (word << 6) + BitOperations.TrailingZeroCount(bits);
    }
}
