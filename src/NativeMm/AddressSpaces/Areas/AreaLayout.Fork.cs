using NativeMm.Diagnostics;

namespace NativeMm.AddressSpaces;

/// <content>A second layout like the first.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>
    /// Gives a new layout the same areas, and its tables the same pages, copy on write in both. Every record of this one is detached first, and
    /// replaced when all is shared: so whoever writes to a page that is shared already waits for the lock, and what the child sees is of one moment.
    /// </summary>
    /// <param name="child">A layout that nobody uses yet. When this fails it is to be disposed.</param>
    public LayoutResult ForkTo(AreaLayout child)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            // [F1] is the child's lock from here to there: whoever counts or checks all spaces may come by the child already. It comes after the parent's.
            if (!child.TryEnterWrite()) // [F1]
            {
                return new LayoutResult(LayoutOutcome.Ended);
            }

            try
            {
                long nodes = VmaTree.NodesOf(_areas);
                return _store.TryReserve(_areas, nodes, growing: true) && child._store.TryReserve(_areas, nodes, growing: true)
                    ? ForkLocked(child)
                    : new LayoutResult(LayoutOutcome.NoMetadata);
            }
            finally
            {
                child._lock.ExitWrite(); // [F1]
            }
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    private LayoutResult ForkLocked(AreaLayout child)
    {
        Invariant.Assert(child._areas == 0 && child._pages == 0, $"A child has {child._areas} areas before the fork.");
        for (Vma* area = _tree.FirstBehind(0); area != null; area = _tree.FirstBehind(area->End))
        {
            area->Detach();
        }

        bool shared = true;
        for (Vma* area = _tree.FirstBehind(0); shared && area != null; area = _tree.FirstBehind(area->End))
        {
            shared = _tables.TryCopyTo(child._tables, area->Range);
        }

        VmaTree.Levels own = default;
        VmaTree.Levels others = default;
        VmaNode* before = _tree.BeginBuild();
        child._tree.BeginBuild();
        for (Vma* area = VmaTree.FirstBehind(before, 0); area != null; area = VmaTree.FirstBehind(before, area->End))
        {
            AreaSpec spec = area->Spec with { Flags = area->Flags | VmaFlags.Forked };
            _tree.Append(ref own, _store.TakeRecord(spec));
            _store.Retire(area);
            if (shared)
            {
                child._tree.Append(ref others, child._store.TakeRecord(spec));
            }
        }

        _tree.EndBuild(ref own);
        child._tree.EndBuild(ref others);
        _detached += _areas;
        Publish();
        child._areas = shared ? _areas : 0;
        child._pages = shared ? _pages : 0;
        child.Publish();
        return new LayoutResult(shared ? LayoutOutcome.Done : LayoutOutcome.NoFrames);
    }
}
