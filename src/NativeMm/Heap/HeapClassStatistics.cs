namespace NativeMm.Heap;

/// <summary>One size class of a heap. Slabs = live + cached + free, in blocks.</summary>
public sealed record HeapClassStatistics
{
    /// <summary>Bytes of one block.</summary>
    public required ulong BlockBytes { get; init; }

    /// <summary>Slabs of the class.</summary>
    public required long Slabs { get; init; }

    /// <summary>Bytes of those slabs, touched or not.</summary>
    public required ulong SlabBytes { get; init; }

    /// <summary>Blocks in the hands of the program.</summary>
    public required long LiveBlocks { get; init; }

    /// <summary>Free blocks in thread caches and in the depot's batches.</summary>
    public required long CachedBlocks { get; init; }

    /// <summary>Blocks that are free in their slabs.</summary>
    public required long FreeBlocks { get; init; }

    /// <summary>How often the class's lock was taken.</summary>
    public required long LockAcquisitions { get; init; }

    /// <summary>How often that meant waiting.</summary>
    public required long LockContentions { get; init; }
}
