using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>The blocks of one core, under one lock: the one that is cut from, and those that wait for their last map to end.</summary>
internal sealed class VmapBlockQueue
{
    /// <summary>Guards everything of this queue and of its blocks.</summary>
    public SleepLock Lock;

    /// <summary>All blocks that were not given up.</summary>
    public List<VmapBlock> Blocks { get; } = [];

    /// <summary>The block that is cut from, or null.</summary>
    public VmapBlock? Current { get; set; }
}
