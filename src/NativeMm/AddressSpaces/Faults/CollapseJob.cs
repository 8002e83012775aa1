using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>Gathers the pages of full leaves in the background. It is asked by the fault that populated the last page of one.</summary>
internal sealed unsafe class CollapseJob(PageTables tables, AreaLayout layout) : BackgroundJob
{
    private const int WishesMax = 64;

    // Pages plus 1. What finds no place is not gathered.
    private readonly ulong[] _wishes = new ulong[WishesMax];
    private EndGate _gate;
    private SleepLock _lock;
    private long _collapsed;

    /// <summary>Leaves that were gathered.</summary>
    public long Collapsed => Atomic.LoadAcquire(in _collapsed);

    /// <summary>Has the pages around one gathered soon.</summary>
    public void Ask(ulong page)
    {
        if (Atomic.CompareExchange(ref _wishes[(page / SharedTables.Entries) % WishesMax], 0, page + 1))
        {
            Ask();
        }
    }

    /// <summary>Gathers the pages around one, if its area wants that and covers them all.</summary>
    /// <returns>Whether they lie in one block.</returns>
    public bool TryCollapse<TPause>(ulong page)
        where TPause : struct, IPausePoint
    {
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
            Atomic.Add(ref _collapsed, collapsed ? 1 : 0);
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
    }
}
