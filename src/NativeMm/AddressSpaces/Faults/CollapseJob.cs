// Purpose      gathers the pages of full leaves in the background.
// States       a wish: 0, or a page plus 1. _missed 1: there may be a full leaf that is not gathered. _search 1: the next run looks through all tables.
// Transitions  a wish: 0 → page by a fault, CAS; → 0 by the run, exchange. _search: → 1 by who finds no place for a wish, or trims; → 0 by the run, exchange.
//              _missed: → 1 by whoever could not gather a leaf, or has an area that has come to want it; → 0 by a search, before it looks.
// Ownership    leaves | whoever has _lock gathers; the space's lock as a reader and the leaf's do the rest
// Ordering     _missed goes to 0 before the search begins, so what is missed during one is for the next. Each word stands for itself: a run that comes too early
//              leaves a leaf as it is, which is only slower.
// Reuse        a wish names a page, not a leaf: its area and its leaf are looked up anew.
// Progress     asking waits for nobody. A search holds the space's lock as a reader from one full leaf to the next.

using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Gathers the pages of full leaves in the background. It is asked by the fault that populated the last page of one. A leaf that could not be gathered then, and one
/// that was full before its area wanted that, is found by a search of all tables, which a trim asks for.
/// </summary>
internal sealed unsafe class CollapseJob(PageTables tables, AreaLayout layout) : BackgroundJob
{
    private const int WishesMax = 64;

    // Pages plus 1. What finds no place is found by a search.
    private readonly ulong[] _wishes = new ulong[WishesMax];
    private EndGate _gate;
    private SleepLock _lock;

    // Whether there may be a full leaf that is not gathered, and whether to look for it.
    private int _missed;
    private int _search;

    /// <summary>Has the pages around one gathered soon.</summary>
    public void Ask(ulong page)
    {
        if (!Atomic.CompareExchange(ref _wishes[(page / SharedTables.Entries) % WishesMax], 0, page + 1))
        {
            Atomic.StoreRelease(ref _search, 1);
        }

        Ask();
    }

    /// <summary>There may be full leaves of an area that has come to want that.</summary>
    public void Miss() => Atomic.StoreRelease(ref _missed, 1);

    /// <summary>Has the leaves gathered soon that were missed, if there are any.</summary>
    public void AskForMissed()
    {
        if (Atomic.LoadAcquire(in _missed) != 0)
        {
            Atomic.StoreRelease(ref _search, 1);
            Ask();
        }
    }

    /// <summary>Gathers the pages around one, if its area wants that and covers them all.</summary>
    /// <returns>Whether they lie in one block.</returns>
    public bool TryCollapse<TPause>(ulong page)
        where TPause : struct, IPausePoint
    {
        Invariant.Assert(page < PageTables.Pages, $"The leaf of page {page:x} is to be gathered.");
        using SleepLock.Scope only = _lock.EnterScope();
        ulong first = page & ~(ulong)(SharedTables.Entries - 1);
        layout.EnterRead();
        try
        {
            Vma* record = layout.Tree.Find(page);
            bool isWanted = record != null
                && (record->Flags & VmaFlags.HugePages) != 0
                && record->Start <= first
                && record->End >= first + SharedTables.Entries
                && tables.Residency is null;
            bool collapsed = isWanted && tables.TryCollapse<TPause>(page);
            if (isWanted && !collapsed)
            {
                Miss();
            }

            return collapsed;
        }
        finally
        {
            layout.ExitRead();
        }
    }

    /// <summary>Waits for what is under way, and keeps everybody from it until the scope ends.</summary>
    public SleepLock.Scope Pause() => _lock.EnterScope();

    /// <summary>Waits for what is under way, and does nothing any more.</summary>
    public void End() => _gate.Close();

    /// <inheritdoc/>
    protected override void Run()
    {
        foreach (ref ulong wish in _wishes.AsSpan())
        {
            ulong page = Atomic.LoadAcquire(in wish) == 0 ? 0 : Atomic.Exchange(ref wish, 0);
            if (page != 0 && _gate.TryEnter())
            {
                try
                {
                    TryCollapse<NoPause>(page - 1);
                }
                finally
                {
                    _gate.Exit();
                }
            }
        }

        if (Atomic.Exchange(ref _search, 0) != 0)
        {
            Search();
        }
    }

    private void Search()
    {
        // What is missed again is for the next one.
        Atomic.StoreRelease(ref _missed, 0);
        ulong page = 0;
        bool found = true;
        while (found && _gate.TryEnter())
        {
            try
            {
                found = TryFindFull(ref page);
                if (found)
                {
                    TryCollapse<NoPause>(page);
                    page += SharedTables.Entries;
                }
            }
            finally
            {
                _gate.Exit();
            }
        }
    }

    private bool TryFindFull(ref ulong page)
    {
        layout.EnterRead();
        bool found = tables.TryFindFull(ref page);
        layout.ExitRead();
        return found;
    }
}
