namespace NativeMm.AddressSpaces;

/// <summary>What reclaim of a space has done since the space was made.</summary>
internal readonly struct ReclaimStatistics
{
    /// <summary>Most pages in memory.</summary>
    public long LimitPages { get; init; }

    /// <summary>Pages in memory, or about to be.</summary>
    public long ResidentPages { get; init; }

    /// <summary>Pages that left.</summary>
    public long Evicted { get; init; }

    /// <summary>Those of them that repeat a value, and take no slot.</summary>
    public long SameFilled { get; init; }

    /// <summary>Those of them that had not been written since they came back, and were not stored again.</summary>
    public long Clean { get; init; }

    /// <summary>Pages that were chosen and stayed: in use, pinned, or there was nowhere to put them.</summary>
    public long PutBack { get; init; }

    /// <summary>Batches.</summary>
    public long Batches { get; init; }

    /// <summary>Those of them that a thread had to do itself, which needed a page.</summary>
    public long Direct { get; init; }
}
