using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The end, and who looks.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>
    /// Takes every area away and lets nobody in any more. When this returns no fault is in flight: a speculative one was waited for by the epoch, a
    /// classic one by the lock, and whoever comes later finds no area, and then the end. Allocates no managed memory.
    /// </summary>
    /// <returns>Whether the layout had not ended before. Of several who end it, one gets true; nobody is inside for any of them.</returns>
    public bool End()
    {
        bool ends = Close();
        _lock.EnterWrite();
        if (!_isEmpty)
        {
            _isEmpty = true;
            DetachAll();
            _tree.BeginBuild();
            _areas = 0;
            _pages = 0;
            Publish();
        }

        _lock.ExitWrite();
        _store.Epochs.AwaitGrace();
        return ends;
    }

    /// <summary>
    /// Lets nobody in any more, and nobody who looks find an area, however many there are. Faults that found one before go on until <see cref="End"/> has waited for them.
    /// </summary>
    /// <returns>Whether the layout had not ended before.</returns>
    public bool Close()
    {
        bool ends = TryEnterWrite();
        if (ends)
        {
            Atomic.StoreRelease(ref _ended, 1);
            _tree.Hide();
            _lock.ExitWrite();
        }

        return ends;
    }

    /// <summary>Gives records and nodes back, once, after the end.</summary>
    public void Release() => _store.Release();

    /// <summary>Checks the whole layout. Whoever changes it waits.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Validate()
    {
        EnterRead();
        try
        {
            (long areas, ulong pages, long nodes) = _tree.Validate();
            Invariant.Check(
                areas == _areas && pages == (ulong)_pages, $"The layout counts {_areas} areas of {_pages} pages and has {areas} of {pages}.");
            Invariant.Check(areas <= Options.AreasMax, $"The layout has {areas} areas, and {Options.AreasMax} are allowed.");
            _store.Validate(areas, nodes);
        }
        finally
        {
            ExitRead();
        }
    }

    /// <summary>Counts. Whoever changes the layout waits.</summary>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public LayoutStatistics GetStatistics()
    {
        EnterRead();
        (_, long nodes) = _store.Retired;
        var statistics = new LayoutStatistics(_areas, (ulong)_pages, _changes, _detached, nodes, (long)_store.ChunkBytes);
        ExitRead();
        return statistics;
    }

    /// <summary>Copies the areas in order. Whoever changes the layout waits.</summary>
    /// <param name="areas">Where they go.</param>
    /// <returns>How many there are, more perhaps than there was room for.</returns>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public int CopyAreas(Span<AreaSpec> areas)
    {
        EnterRead();
        int count = 0;
        for (Vma* area = _tree.FirstBehind(0); area != null && count < areas.Length; area = _tree.FirstBehind(area->End))
        {
            areas[count++] = area->Spec;
        }

        int all = (int)_areas;
        ExitRead();
        return all;
    }

    /// <summary>The first area that ends behind a page.</summary>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public bool TryFindBehind(ulong page, out AreaSpec found)
    {
        EnterRead();
        Vma* area = _tree.FirstBehind(page);
        found = area == null ? default : area->Spec;
        ExitRead();
        return area != null;
    }

    private void DetachAll()
    {
        for (Vma* area = _tree.FirstBehind(0); area != null; area = _tree.FirstBehind(area->End))
        {
            area->Detach();
            _store.Retire(area);
            _detached++;
        }
    }
}
