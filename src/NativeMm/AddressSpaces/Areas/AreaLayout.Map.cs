using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Areas that come, and where.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>Maps an area.</summary>
    /// <returns>Its first page, or the page that was occupied.</returns>
    public LayoutResult Map(MapRequest request)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            return MapLocked(request);
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    private LayoutResult MapLocked(MapRequest request)
    {
        ulong page = request.Page;
        if (request.Placement == Placement.Anywhere && !TryChoose(request.Pages, request.Flags, request.Page, out page))
        {
            return new LayoutResult(LayoutOutcome.NoAddresses);
        }

        var area = new AreaSpec(new VpnRange(page, page + request.Pages), request.Protection, request.Flags);
        bool replaces = IsAnyMapped(area.Pages, out ulong occupied);
        Invariant.Assert(!replaces || request.Placement != Placement.Anywhere, $"Pages {area.Pages} were chosen, and page {occupied:x} is mapped.");
        if (replaces && request.Placement == Placement.FixedNoReplace)
        {
            return new LayoutResult(LayoutOutcome.Occupied, occupied);
        }

        AreaIntent place = AreaIntent.Place(area);
        LayoutOutcome outcome = Provide(Rewrite(place, dry: true), replaces ? 2 : 0, replaces ? 1 : 0);
        if (outcome != LayoutOutcome.Done)
        {
            return new LayoutResult(outcome);
        }

        if (replaces)
        {
            if (!TryPrepareBoundaries(area.Pages))
            {
                return new LayoutResult(LayoutOutcome.NoFrames);
            }

            // A fault must not find the new area before the old pages are gone: it would lose what it installs.
            Apply(AreaIntent.Remove(area.Pages));
            _tables.Clear(area.Pages);
        }

        Apply(place);
        return new LayoutResult(LayoutOutcome.Done, page);
    }

    /// <summary>Chooses the lowest place: at or above the hint, or else of all.</summary>
    private bool TryChoose(ulong pages, VmaFlags flags, ulong hint, out ulong page)
    {
        bool aligned = (flags & VmaFlags.HugePages) != 0 && pages >= HugePages;
        ulong guard = (flags & VmaFlags.GrowsDown) != 0 ? GuardPages : 0;
        ulong from = ulong.Max(hint, LowestPage);
        return (aligned && TryChoose(from, pages, HugePages, guard, out page))
            || TryChoose(from, pages, 1, guard, out page)
            || (from > LowestPage && TryChoose(pages, flags, LowestPage, out page));
    }

    private bool TryChoose(ulong from, ulong pages, ulong alignment, ulong guard, out ulong page)
    {
        page = 0;
        while (from < EndPage && _tree.TryFindHole(new VpnRange(from, EndPage), pages, out VpnRange hole))
        {
            ulong start = StartOfRoom(hole, guard);
            page = (start + alignment - 1) & ~(alignment - 1);
            Invariant.Assert(page >= hole.Start && (page & (alignment - 1)) == 0, $"Page {page:x} is chosen in {hole} for a multiple of {alignment}.");
            if (page + pages <= EndOfRoom(hole))
            {
                return true;
            }

            from = ulong.Max(hole.End, from + 1);
        }

        return false;
    }

    /// <summary>Where a hole begins for whoever chooses: an area that grows down has a gap to what is mapped below.</summary>
    private ulong StartOfRoom(VpnRange hole, ulong guard)
    {
        Vma* before = guard == 0 ? null : _tree.LastBefore(hole.Start + 1);
        return before == null ? hole.Start : ulong.Max(hole.Start, before->End + guard);
    }

    /// <summary>Where a hole ends for whoever chooses: an area behind it that grows down keeps its gap.</summary>
    private ulong EndOfRoom(VpnRange hole)
    {
        Vma* behind = _tree.FirstBehind(hole.End);
        bool grows = behind != null && behind->Start == hole.End && (behind->Flags & VmaFlags.GrowsDown) != 0;
        return grows ? hole.End - ulong.Min(GuardPages, hole.End) : hole.End;
    }
}
