namespace NativeMm.AddressSpaces;

/// <summary>Counts of an <see cref="ISwapBackend"/>. Pages = <see cref="CompressedPages"/> + <see cref="FilePages"/>.</summary>
internal readonly record struct SwapStatistics
{
    /// <summary>Pages in memory, compressed.</summary>
    public long CompressedPages { get; init; }

    /// <summary>Bytes of frames that hold them.</summary>
    public long CompressedBytes { get; init; }

    /// <summary>Pages on file.</summary>
    public long FilePages { get; init; }

    /// <summary>Length of the file, in bytes.</summary>
    public long FileBytes { get; init; }

    /// <summary>Pages stored since the beginning.</summary>
    public long Stores { get; init; }

    /// <summary>Pages refused since the beginning: incompressible, without room, or the device failed.</summary>
    public long Refusals { get; init; }

    /// <summary>Pages loaded since the beginning.</summary>
    public long Loads { get; init; }

    /// <summary>Loads that found a page corrupted, or got none from the device.</summary>
    public long FailedLoads { get; init; }

    /// <summary>Writes to the file.</summary>
    public long FileWrites { get; init; }

    /// <summary>Writes to the file that failed or came short.</summary>
    public long FailedWrites { get; init; }

    /// <summary>The system's error number of the last store that the device failed; 0 when the last one succeeded.</summary>
    public int LastStoreErrno { get; init; }

    /// <summary>Pages on this backend.</summary>
    public long Pages => CompressedPages + FilePages;
}
