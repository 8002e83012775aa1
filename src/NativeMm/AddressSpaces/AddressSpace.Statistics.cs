namespace NativeMm.AddressSpaces;

/// <content>Counting.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Counts faults; exact at rest. Cheap. Thread-safe.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    public FaultStatistics GetFaultStatistics() => _faults.GetStatistics();

    /// <summary>
    /// Counts what the space holds by looking at every entry of its tables, while nobody changes the layout: some nanoseconds for each page. Thread-safe.
    /// </summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public AddressSpaceStatistics GetStatistics()
    {
        LayoutStatistics layout = _layout.GetStatistics();
        _layout.EnterRead();
        PageTableCounts counts = _tables.Count();
        long mapBytes = _tables.Leaves.CountBytes(_frames.Zone.Platform);
        _layout.ExitRead();
        return new AddressSpaceStatistics
        {
            Name = Options.Name,
            Areas = layout.Areas,
            MappedPages = (long)layout.Pages,
            LayoutChanges = layout.Changes,
            AreaBytes = layout.MetadataBytes + _tables.Deferred.ChunkBytes,
            TablePages = counts.Tables,
            LeafMapBytes = mapBytes,
            ResidentPages = counts.Resident,
            SharedPages = counts.Shared,
            HugeBlocks = counts.HugeBlocks,
            ZeroPages = counts.Zero,
            SameFilledPages = counts.SameFilled,
            SwappedPages = counts.Swapped,
            PinnedPages = PinnedPages,
            DeferredFrames = _tables.Deferred.Count,
            KeptFrames = _faults.Permits.KeptFrames,
            Faults = _faults.GetStatistics(),
        };
    }
}
