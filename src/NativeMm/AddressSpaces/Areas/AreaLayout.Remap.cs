using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Areas that grow, shrink and move.</content>
internal sealed unsafe partial class AreaLayout
{
    // What Fixed takes away may leave two rests, the source two, and both areas may merge on both sides.
    private const int MoveRecords = 8;
    private const int MoveEdits = 4;

    /// <summary>Gives a range of one area another length, and perhaps another place.</summary>
    /// <param name="range">The range.</param>
    /// <param name="pages">Pages that it has afterwards, 1 or more.</param>
    /// <param name="flags">What may be done.</param>
    /// <param name="target">Where it goes with <see cref="RemapFlags.Fixed"/>: first page, not overlapping the range.</param>
    /// <returns>Its first page, or the page that stood in the way.</returns>
    public LayoutResult Remap(VpnRange range, ulong pages, RemapFlags flags, ulong target)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            Vma* area = _tree.FirstBehind(range.Start);
            if (area == null || area->Start > range.Start)
            {
                return new LayoutResult(LayoutOutcome.NotMapped, range.Start);
            }

            return area->End < range.End ? new LayoutResult(LayoutOutcome.SeveralAreas, area->End) : RemapLocked(area->Spec, range, pages, flags, target);
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    private LayoutResult RemapLocked(AreaSpec area, VpnRange range, ulong pages, RemapFlags flags, ulong target)
    {
        Invariant.Assert(area.Pages.Start <= range.Start && range.End <= area.Pages.End && pages != 0, $"Pages {range} of {area.Pages} become {pages}.");
        bool isFixed = (flags & RemapFlags.Fixed) != 0;
        if (isFixed || (flags & RemapFlags.KeepSource) != 0)
        {
            return Move(area, range, pages, flags, target);
        }

        if (pages <= range.Pages)
        {
            LayoutResult shrunk = pages == range.Pages
                ? new LayoutResult(LayoutOutcome.Done)
                : UnmapLocked(new VpnRange(range.Start + pages, range.End), release: null);
            return shrunk with { Page = range.Start };
        }

        var more = new VpnRange(range.End, range.Start + pages);
        ulong occupied = 0;
        bool hasRoom = area.Pages.End == range.End && more.End <= EndPage && !IsAnyMapped(more, out occupied);
        if (hasRoom)
        {
            return GrowInPlace(area, more) with { Page = range.Start };
        }

        return (flags & RemapFlags.MayMove) != 0
            ? Move(area, range, pages, flags, target)
            : new LayoutResult(LayoutOutcome.NoRoom, area.Pages.End > range.End ? range.End : ulong.Max(occupied, range.End));
    }

    private LayoutResult GrowInPlace(AreaSpec area, VpnRange more)
    {
        AreaIntent place = AreaIntent.Place(area.Over(more.Start, more.End));
        LayoutOutcome outcome = Provide(Rewrite(place, dry: true));
        if (outcome == LayoutOutcome.Done)
        {
            Apply(place);
        }

        return new LayoutResult(outcome);
    }

    private LayoutResult Move(AreaSpec area, VpnRange range, ulong pages, RemapFlags flags, ulong target)
    {
        bool isFixed = (flags & RemapFlags.Fixed) != 0;
        if (!isFixed && !TryChoose(pages, area.Flags, 0, out target))
        {
            return new LayoutResult(LayoutOutcome.NoAddresses);
        }

        var destination = new VpnRange(target, target + pages);
        bool keeps = (flags & RemapFlags.KeepSource) != 0;
        bool replaces = isFixed && IsAnyMapped(destination, out _);
        var moved = new VpnRange(range.Start, range.Start + ulong.Min(range.Pages, pages));
        LayoutOutcome outcome = ProvideMove(range, moved, destination);
        if (outcome != LayoutOutcome.Done)
        {
            return new LayoutResult(outcome);
        }

        if (replaces)
        {
            Apply(AreaIntent.Remove(destination));
            _tables.Clear(destination);
        }

        // Neither place is mapped while the entries are on their way: a fault at either waits for the lock.
        Apply(AreaIntent.Remove(range));
        _tables.Move(moved, target);
        _tables.Clear(range);
        Apply(AreaIntent.Place(area.Over(destination.Start, destination.End)));
        if (keeps)
        {
            Apply(AreaIntent.Place(area.Over(range.Start, range.End)));
        }

        return new LayoutResult(LayoutOutcome.Done, target);
    }

    /// <summary>Everything that a move may fail for.</summary>
    private LayoutOutcome ProvideMove(VpnRange range, VpnRange moved, VpnRange destination)
    {
        // At most the rests of the source and of what is replaced come, and the new area, for the one that is there.
        const int AreasMore = 3;
        if (_areas + AreasMore > Options.AreasMax)
        {
            return LayoutOutcome.TooManyAreas;
        }

        if (!_store.TryReserve(MoveRecords + AreasMore, _tree.NodesOfEdits(MoveEdits), growing: true))
        {
            return LayoutOutcome.NoMetadata;
        }

        return TryPrepareBoundaries(range) && TryPrepareBoundary(moved.End) && TryPrepareBoundaries(destination)
            && _tables.TryPrepareMove(moved, destination.Start)
            ? LayoutOutcome.Done
            : LayoutOutcome.NoFrames;
    }
}
