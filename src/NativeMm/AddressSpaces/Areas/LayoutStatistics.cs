namespace NativeMm.AddressSpaces;

/// <summary>What a layout counts.</summary>
/// <param name="Areas">Areas.</param>
/// <param name="Pages">Pages in areas.</param>
/// <param name="Changes">Changes that were published.</param>
/// <param name="Detached">Records that were detached: each makes the speculative faults in it fall back.</param>
/// <param name="RetiredNodes">Nodes that wait for readers that may still hold them.</param>
/// <param name="MetadataBytes">Bytes of records and nodes, those that are free among them.</param>
internal readonly record struct LayoutStatistics(
    long Areas, ulong Pages, long Changes, long Detached, long RetiredNodes, long MetadataBytes);
