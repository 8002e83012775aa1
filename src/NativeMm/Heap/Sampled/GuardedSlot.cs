namespace NativeMm.Heap.Sampled;

/// <summary>What is known of one slot. Read and written under the lock of <see cref="GuardedPages"/>.</summary>
internal struct GuardedSlot
{
    /// <summary>Where in its life it is.</summary>
    public GuardState State;

    /// <summary>First byte of the block that it holds or held last.</summary>
    public nuint Address;

    /// <summary>Bytes of that block.</summary>
    public nuint Bytes;

    /// <summary>The guards of the heap that the block is of.</summary>
    public SampledGuards? Owner;

    /// <summary>Where the block was allocated, as lines.</summary>
    public string? AllocatedAt;

    /// <summary>Where it was freed, as lines; null while it is live.</summary>
    public string? FreedAt;
}
