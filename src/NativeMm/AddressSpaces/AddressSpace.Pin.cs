using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Pins: bytes in place for as long as somebody wants, on whatever thread.</content>
public sealed unsafe partial class AddressSpace
{
    private int _pinnedPages;

    /// <summary>Pages that are pinned at this moment.</summary>
    public int PinnedPages => Atomic.LoadAcquire(in _pinnedPages);

    /// <summary>
    /// Pins pages. A page that is shared with another space since a fork, and may be written here, is copied first, so that the pin shows what is written later.
    /// Thread-safe.
    /// </summary>
    /// <param name="address">Address of the first byte.</param>
    /// <param name="length">How many bytes, at least 1.</param>
    /// <param name="access">What they will be used for.</param>
    /// <returns>The pin, which is the caller's to dispose; the pages stay where they are until then.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie below 2⁴⁷, or is empty.</exception>
    /// <exception cref="InvalidOperationException">More than <see cref="AddressSpaceOptions.PinnedPagesMax"/> pages would be pinned.</exception>
    /// <exception cref="AddressFaultException">A page is not mapped, or must not be accessed like that. Nothing is pinned.</exception>
    /// <exception cref="OutOfMemoryException">There is no frame for a page. Nothing is pinned.</exception>
    /// <exception cref="PageUnavailableException">A page had left memory and cannot be brought back. Nothing is pinned.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public PagePin Pin(long address, long length, PageAccess access = PageAccess.Read)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        CheckRange(address, length);

        // Whoever ends the frames asks for permits that are out, once the space has ended.
        if (IsDisposed)
        {
            throw LayoutFault.Gone(Options);
        }

        ulong first = (ulong)address >> Pfn.FrameShift;
        ulong end = ((ulong)(address + length - 1) >> Pfn.FrameShift) + 1;
        int pages = TakePinPermits(end - first);
        PinnedFrames? frames = null;
        object? watched = null;
        try
        {
            frames = new PinnedFrames(pages);
            var runs = new List<PinnedRun>();
            for (ulong page = first; page < end; page++)
            {
                int from = page == first ? (int)((ulong)address & OffsetMask) : 0;
                nuint at = PinPage(page, access, from, frames);
                int to = page == end - 1 ? (int)((ulong)(address + length - 1) & OffsetMask) + 1 : Pfn.FrameBytes;
                AddRun(runs, at + (nuint)from, to - from);
            }

            watched = PinWatch?.Began(this, address, length, access);
            return new PagePin(this, frames, [.. runs], access, length, watched);
        }
        catch
        {
            EndWatch(watched);
            frames?.Release(_tables);
            Atomic.Add(ref _pinnedPages, -pages);
            throw;
        }
    }

    /// <summary>Lets pinned pages go. They may outlive the space, not its frame allocator.</summary>
    internal void Unpin(PinnedFrames frames)
    {
        frames.Release(_tables);
        Atomic.Add(ref _pinnedPages, -frames.Pages);
        Invariant.Assert(PinnedPages >= 0, $"{frames.Pages} pages are unpinned, and {PinnedPages} are left.");
    }

    /// <summary>A pin that is watched is over.</summary>
    internal void EndWatch(object? watched)
    {
        if (watched is not null)
        {
            PinWatch!.Ended(watched);
        }
    }

    private static void AddRun(List<PinnedRun> runs, nuint address, int length)
    {
        Invariant.Assert(length is > 0 and <= Pfn.FrameBytes && address != 0, $"A pin has {length} bytes at 0x{address:x}.");
        if (runs.Count != 0 && runs[^1] is var last && last.Address + (nuint)last.Length == address && last.Length <= int.MaxValue - length)
        {
            runs[^1] = new PinnedRun(last.Address, last.Length + length);
        }
        else
        {
            runs.Add(new PinnedRun(address, length));
        }
    }

    private int TakePinPermits(ulong pages)
    {
        int max = Options.PinnedPagesMax;
        int before;
        do
        {
            before = PinnedPages;
            Invariant.Assert(before >= 0 && before <= max, $"{before} pages are pinned, of {max}.");
            if (pages > (ulong)(max - before))
            {
                throw new InvalidOperationException($"{pages} pages cannot be pinned: {before} are, and at most {max} may be ({nameof(Options.PinnedPagesMax)}).");
            }
        }
        while (!Atomic.CompareExchange(ref _pinnedPages, before, before + (int)pages));

        return (int)pages;
    }

    private nuint PinPage(ulong page, PageAccess access, int offset, PinnedFrames frames)
    {
        AccessSlot* slot = AccessSlots.Own();
        while (true)
        {
            PageAccess wanted = access;
            var entry = new LeafEntry(Atomic.LoadRelaxed(in *HazardAccess.Begin(ref slot->Fault, _key | page, ref _root, page)));
            if (!entry.Misses(access == PageAccess.Write ? LeafEntry.WriteMiss : LeafEntry.ReadMiss))
            {
                bool isKept = (entry.Word & (LeafEntry.Zero | LeafEntry.NotWritable)) != 0;
                if (isKept && MayWrite(page))
                {
                    wanted = PageAccess.Write;
                }
                else if (TryHold(slot, page, entry, isKept, frames))
                {
                    HazardAccess.End(ref slot->Fault);
                    return entry.Address;
                }
                else
                {
                    // Somebody changed the entry in between, or gathers its leaf.
                    HazardAccess.End(ref slot->Fault);
                    continue;
                }
            }

            HazardAccess.End(ref slot->Fault);
            Fault(page, wanted, offset);
        }
    }

    /// <summary>Holds a frame. One that nobody here may write is held as another entry would hold it: whoever may write it elsewhere copies it first.</summary>
    /// <returns>False when the entry is no longer what it was.</returns>
    private bool TryHold(AccessSlot* slot, ulong page, LeafEntry entry, bool isKept, PinnedFrames frames)
    {
        Invariant.Assert(entry.IsPresent, $"Page {page:x} is held and is {entry}.");
        if (entry.Kind == EntryKind.Zero)
        {
            return true;
        }

        if (!isKept)
        {
            // The hazard keeps the frame until the pin does.
            _tables.FrameOf(entry.Address).AddPin();
            frames.AddPin(entry.Address);
            return true;
        }

        // A fault that writes in place where one entry refers to a frame looks under this lock: a mapping comes before it looks, or not at all.
        ulong* now = _tables.Enter(slot, page, out PageTables.LeafScope leaf);
        if (now == null)
        {
            return false;
        }

        bool isHeld = Atomic.LoadAcquire(in *now) == entry.Word;
        if (isHeld)
        {
            _tables.FrameOf(entry.Address).AddMapping();
            frames.AddMapping(entry.Address);
        }

        leaf.Exit();
        return isHeld;
    }

    private bool MayWrite(ulong page)
    {
        using (_layout.Tree.Epochs.Enter())
        {
            Vma* record = _layout.Tree.Find(page);
            return record != null && record->Protection == Protection.ReadWrite;
        }
    }
}
