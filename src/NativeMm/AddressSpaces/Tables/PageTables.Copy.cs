using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>
/// Sharing all pages of an area with another space. First every page of the area loses the right to be written, one fence is passed, and the writes that were under
/// way end; a write that comes later waits for the fork, because all records are detached. That is the moment of which the other space is an
/// image. Only then are the entries copied.
/// </content>
internal sealed unsafe partial class PageTables
{
    /// <inheritdoc/>
    public bool TryCopyTo(IPageTables child, VpnRange pages)
    {
        SetFlags(pages, LeafEntry.NotWritable);
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.Look(Key, words);
        if (hazards.TouchesAny(pages.Start, pages.End))
        {
            Hazards.AwaitAccesses(Key, pages.Start, pages.End);
            hazards = Hazards.LookAgain(Key, words);
        }

        var copy = (PageTables)child;
        ulong page = pages.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, pages.End)) != null)
        {
            ulong end = ulong.Min(pages.End, (page | IndexMask) + 1);
            if (copy.TryGrow(page, null, out ulong* copyLeaf) != GrowOutcome.Grown || !TryCopyLeaf(hazards, leaf, copy, copyLeaf, page, end))
            {
                return false;
            }

            page = end;
        }

        return true;
    }

    private bool TryCopyLeaf(Hazards hazards, ulong* leaf, PageTables copy, ulong* copyLeaf, ulong page, ulong end)
    {
        ref TableHead head = ref HeadOf(leaf);
        ref TableHead copyHead = ref copy.HeadOf(copyLeaf);
        for (; page < end; page++)
        {
            ulong* entry = leaf + Index(page, 0);
            head.Lock.Enter();
            var value = new LeafEntry(*entry);
            bool isKept = value.Kind == EntryKind.Frame && (hazards.Touches(page) || FrameOf(value.Address).Pins != 0);
            LeafEntry shared = LeafEntry.Empty;
            if (isKept)
            {
                FrameOf(value.Address).AddPin();
            }
            else
            {
                shared = Share(value);
            }

            head.Lock.Exit();
            if (isKept && !TryDuplicate(value.Address, out shared))
            {
                return false;
            }

            // Nobody but the caller uses the other space yet. It has no limit of its own.
            Put(ref copyHead, copyLeaf + Index(page, 0), shared);
        }

        return true;
    }

    /// <summary>What the other space's entry says, with its references counted.</summary>
    private LeafEntry Share(LeafEntry value)
    {
        switch (value.Kind)
        {
            case EntryKind.Frame:
                FrameOf(value.Address).AddMapping();
                return value.With(LeafEntry.NotWritable).Without(LeafEntry.Moving | LeafEntry.Leaving);
            case EntryKind.Swapped:
                _swap!.Duplicate(value.Slot);
                return LeafEntry.Swapped(value.Slot, value.History);
            default:
                return value;
        }
    }

    /// <summary>
    /// A frame that somebody holds by a lease or a pin, and may write through it, is not shared: the other space gets a copy at once. The caller's pin
    /// keeps the frame until here.
    /// </summary>
    private bool TryDuplicate(nuint address, out LeafEntry copy)
    {
        copy = LeafEntry.Empty;
        bool found = _frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _);
        if (found)
        {
            void* target = _zone.AddressOf(frame);
            Buffer.MemoryCopy((void*)address, target, Pfn.FrameBytes, Pfn.FrameBytes);
            FrameOf((nuint)target).Begin(isInBlock: false);
            copy = LeafEntry.Present((nuint)target, LeafEntry.NotWritable);
        }

        DropPin(address);
        return found;
    }
}
