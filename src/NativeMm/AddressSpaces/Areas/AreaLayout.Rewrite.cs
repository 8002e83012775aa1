using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>How a change of whatever kind becomes pieces, and the pieces a tree.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>Goes over the areas of a range, and their neighbours, from left to right.</summary>
    /// <param name="intent">What is to become of them.</param>
    /// <param name="dry">Whether to count alone.</param>
    private AreaRewrite Rewrite(in AreaIntent intent, bool dry)
    {
        VpnRange range = intent.Range;
        Invariant.Assert(!range.IsEmpty, $"The layout of {range} is rewritten.");
        Vma* area = _tree.FirstBehind(range.Start);
        Vma* before = intent.Joins ? NeighbourBefore(range.Start) : null;
        ulong cursor = before != null ? before->Start : area != null ? ulong.Min(area->Start, range.Start) : range.Start;
        var rewrite = new AreaRewrite(_tree, _store, dry, cursor);
        if (before != null)
        {
            rewrite.Put(AreaPiece.Unchanged(before));
        }

        AreaSpec? placed = intent.Placed;
        while (area != null && area->Start < range.End)
        {
            Vma* next = _tree.FirstBehind(area->End);
            if (intent.Change is { } change)
            {
                PutChanged(ref rewrite, area, range, change);
            }
            else
            {
                PutRests(ref rewrite, area->Spec, range, ref placed);
            }

            area = next;
        }

        if (placed is { } last)
        {
            rewrite.Put(AreaPiece.Loose(last));
        }

        if (intent.Joins && area != null && area->Start == range.End)
        {
            rewrite.Put(AreaPiece.Unchanged(area));
        }

        rewrite.Finish(range.End);
        return rewrite;
    }

    private static void PutChanged(ref AreaRewrite rewrite, Vma* area, VpnRange range, AreaChange change)
    {
        AreaSpec spec = area->Spec;
        AreaSpec changed = change.Apply(spec);
        VpnRange inside = spec.Pages.Intersect(range);
        if (changed == spec)
        {
            rewrite.Put(AreaPiece.Unchanged(area));
            return;
        }

        if (inside == spec.Pages)
        {
            rewrite.Put(AreaPiece.Changed(changed));
            return;
        }

        PutRest(ref rewrite, spec.Over(spec.Pages.Start, inside.Start));
        rewrite.Put(AreaPiece.Loose(changed.Over(inside.Start, inside.End)));
        PutRest(ref rewrite, spec.Over(inside.End, spec.Pages.End));
    }

    private static void PutRests(ref AreaRewrite rewrite, AreaSpec spec, VpnRange range, ref AreaSpec? placed)
    {
        PutRest(ref rewrite, spec.Over(spec.Pages.Start, range.Start));
        if (placed is { } area)
        {
            rewrite.Put(AreaPiece.Loose(area));
            placed = null;
        }

        PutRest(ref rewrite, spec.Over(range.End, spec.Pages.End));
    }

    private static void PutRest(ref AreaRewrite rewrite, AreaSpec rest)
    {
        if (!rest.Pages.IsEmpty)
        {
            rewrite.Put(AreaPiece.Rest(rest));
        }
    }

    private Vma* NeighbourBefore(ulong page)
    {
        Vma* before = _tree.LastBefore(page);
        return before != null && before->End == page ? before : null;
    }

    /// <summary>Provides for a rewriting that was counted, so that it cannot fail.</summary>
    /// <param name="count">What the dry run counted.</param>
    /// <param name="recordsMore">Records that are wanted beside.</param>
    /// <param name="editsMore">Edits that are wanted beside.</param>
    private LayoutOutcome Provide(in AreaRewrite count, int recordsMore = 0, int editsMore = 0)
    {
        bool growing = count.Added > count.Removed;
        return growing && _areas + count.Added - count.Removed > Options.AreasMax
            ? LayoutOutcome.TooManyAreas
            : _store.TryReserve(count.Added + recordsMore, _tree.NodesOfEdits(count.Edits + editsMore), growing)
                ? LayoutOutcome.Done
                : LayoutOutcome.NoMetadata;
    }

    /// <summary>Makes sure that no block of 2 MiB lies across an end of a range that cuts an area.</summary>
    private bool TryPrepareBoundaries(VpnRange range) => TryPrepareBoundary(range.Start) && TryPrepareBoundary(range.End);

    private bool TryPrepareBoundary(ulong page)
    {
        Vma* area = page % HugePages == 0 ? null : _tree.FirstBehind(page);
        return area == null || area->Start >= page || _tables.TryPrepareBoundary(page, (area->Flags & VmaFlags.HugePages) != 0);
    }

    /// <summary>Does what was provided for, and lets everybody see it.</summary>
    private void Apply(in AreaIntent intent)
    {
        Invariant.Assert(_lock.HasWriter, "The layout is changed by nobody who writes it.");
        AreaRewrite done = Rewrite(intent, dry: false);
        _areas += done.Added - done.Removed;
        _pages += done.Pages;
        Invariant.Assert(_areas >= 0 && _areas <= _pages && (_areas == 0) == (_pages == 0), $"The layout has {_areas} areas of {_pages} pages.");
        _detached += done.Removed;
        Publish();
    }

    private void Publish()
    {
        Invariant.Assert(_lock.HasWriter, "The layout is published by nobody who writes it.");
        _changes++;
        _tree.Publish();
    }

    /// <summary>Whether areas cover a range without a hole.</summary>
    /// <param name="range">The range.</param>
    /// <param name="missing">The first page that lies in none.</param>
    private bool IsCovered(VpnRange range, out ulong missing)
    {
        missing = range.Start;
        while (missing < range.End)
        {
            Vma* area = _tree.FirstBehind(missing);
            if (area == null || area->Start > missing)
            {
                return false;
            }

            missing = area->End;
        }

        return true;
    }

    private bool IsAnyMapped(VpnRange range, out ulong page)
    {
        Vma* area = _tree.FirstBehind(range.Start);
        page = area == null ? 0 : ulong.Max(area->Start, range.Start);
        return area != null && area->Start < range.End;
    }
}
