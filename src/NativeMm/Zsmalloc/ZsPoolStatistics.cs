namespace NativeMm.Zsmalloc;

/// <summary>A <see cref="ZsPool"/> in figures; exact at rest.</summary>
public sealed record ZsPoolStatistics
{
    /// <summary>Objects alive.</summary>
    public required long Objects { get; init; }

    /// <summary>Bytes that were asked for, over the objects alive.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>The slots of the objects alive, in bytes.</summary>
    public required long ClassBytes { get; init; }

    /// <summary>Frames that the pool holds.</summary>
    public required long Frames { get; init; }

    /// <summary>
    /// Bytes beside the frames: handle cells, zspage descriptors, the map from frames to zspages, and locks with their lists; as far as they
    /// were ever touched.
    /// </summary>
    public required long MetadataBytes { get; init; }

    /// <summary>Handle cells that used up their generations and never come back.</summary>
    public required long CellsRetired { get; init; }

    /// <summary>Frames that compaction freed since the pool was made.</summary>
    public required long FramesCompacted { get; init; }

    /// <summary>Objects that compaction moved.</summary>
    public required long ObjectsMoved { get; init; }

    /// <summary>Bytes that compaction copied.</summary>
    public required long BytesMoved { get; init; }

    /// <summary>Frames that migration replaced.</summary>
    public required long FramesMigrated { get; init; }
}
