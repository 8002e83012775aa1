namespace NativeMm.AddressSpaces;

/// <summary>What an <see cref="AddressSpace"/> holds. Pages are of 4 KiB. Counted entry by entry: exact at rest.</summary>
public readonly struct AddressSpaceStatistics
{
    /// <summary>Name of the space.</summary>
    public string Name { get; init; }

    /// <summary>Areas.</summary>
    public long Areas { get; init; }

    /// <summary>Pages in areas, whether they have a frame or not.</summary>
    public long MappedPages { get; init; }

    /// <summary>Changes of the layout since the space was made.</summary>
    public long LayoutChanges { get; init; }

    /// <summary>Bytes of the records of areas, of their tree, and of the list of what is deferred; those that are free among them.</summary>
    public long AreaBytes { get; init; }

    /// <summary>Bytes in frames: pages, those that are shared with other spaces included, and tables.</summary>
    public long FrameBytes => (TablePages + ResidentPages + DeferredFrames + KeptFrames) * AddressSpace.PageBytes;

    /// <summary>Frames that the page tables themselves take.</summary>
    public long TablePages { get; init; }

    /// <summary>
    /// Bytes in memory of the map that accesses find the tables by: about a page for each GiB that was ever used, beside the frames. 0 where the system does not say.
    /// </summary>
    public long LeafMapBytes { get; init; }

    /// <summary>Pages in frames, those that are shared with other spaces included.</summary>
    public long ResidentPages { get; init; }

    /// <summary>Pages whose frame somebody else refers to, too, since a fork.</summary>
    public long SharedPages { get; init; }

    /// <summary>Blocks of 2 MiB, of which each is 512 of the resident pages.</summary>
    public long HugeBlocks { get; init; }

    /// <summary>Pages that were read and never written: no frame.</summary>
    public long ZeroPages { get; init; }

    /// <summary>Pages that repeat one value: no frame.</summary>
    public long SameFilledPages { get; init; }

    /// <summary>Pages that have left memory.</summary>
    public long SwappedPages { get; init; }

    /// <summary>Pages that are pinned.</summary>
    public long PinnedPages { get; init; }

    /// <summary>Frames and tables that were given up, and wait until a thread ends its access or lease.</summary>
    public long DeferredFrames { get; init; }

    /// <summary>Frames that are kept for the next faults, at most one for each permit.</summary>
    public long KeptFrames { get; init; }

    /// <summary>The faults.</summary>
    public FaultStatistics Faults { get; init; }
}
