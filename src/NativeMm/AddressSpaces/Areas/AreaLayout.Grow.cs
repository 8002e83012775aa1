using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>Areas that grow down by themselves.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>
    /// Makes an area that grows down reach a page below it, if there is one that may. For a fault that found no area there, with no lock and outside of
    /// every epoch; it looks the page up again afterwards.
    /// </summary>
    /// <returns>Whether the page lies in an area of some kind.</returns>
    public bool TryGrowTo(ulong page)
    {
        if (page is < LowestPage or >= EndPage || !TryEnterWrite())
        {
            return false;
        }

        try
        {
            Vma* area = _tree.FirstBehind(page);
            return area != null && (area->Start <= page || (MayGrowTo(area, page) && TryGrow(area->Spec, page)));
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    /// <summary>The kernel's rule: within the limit, and away from what is accessible below, unless that grows down too.</summary>
    private bool MayGrowTo(Vma* area, ulong page)
    {
        if ((area->Flags & VmaFlags.GrowsDown) == 0 || area->End - page > (ulong)Options.GrowthBytesMax >> 12)
        {
            return false;
        }

        Vma* below = _tree.LastBefore(area->Start);
        return below == null
            || (below->Flags & VmaFlags.GrowsDown) != 0
            || below->Protection == Protection.None
            || page - below->End >= GuardPages;
    }

    private bool TryGrow(AreaSpec area, ulong page)
    {
        // One record comes and one goes; it merges with nothing.
        if (!_store.TryReserve(1, _tree.NodesOfEdits(1), growing: false))
        {
            return false;
        }

        var rewrite = new AreaRewrite(_tree, _store, dry: false, page);
        rewrite.Put(AreaPiece.Alone(area.Over(page, area.Pages.End)));
        rewrite.Finish(area.Pages.End);
        Invariant.Assert(rewrite is { Added: 1, Removed: 1 }, $"An area that grows is {rewrite.Added} for {rewrite.Removed}.");
        _pages += rewrite.Pages;
        _detached += rewrite.Removed;
        Publish();
        return true;
    }
}
