using NativeMm.Frames;
using NativeMm.Reporting;

namespace NativeMm.Runtime;

/// <content>Frames of pools that lie scattered among free ones are moved together, so that whole blocks of 2 MiB can go back.</content>
public sealed partial class MemoryRuntime
{
    /// <summary>Frames that a pass moves at most: 16 MiB, a few milliseconds.</summary>
    private const int CondensedFramesMax = 4096;

    private readonly SlidingRange _allocatedFrames;
    private FrameUse _condensedUse;

    /// <summary>
    /// Moves frames together by the pace of reporting: what the program had at some moment within the delay, it is likely to take again, and then it
    /// had better find it where it lies. The caller holds the trim lock.
    /// </summary>
    /// <returns>Frames moved.</returns>
    private int CondenseFrames()
    {
        if (_frames is not LockFreeFrameAllocator frames || !HasPools)
        {
            return 0;
        }

        FrameUse use = frames.SampleUse();
        _allocatedFrames.Add(use.AllocatedFrames, Now);
        ulong kept = _allocatedFrames.Most - use.AllocatedFrames;
        if (use.UnreportedFrames <= kept || use == _condensedUse)
        {
            return 0;
        }

        // Where nothing could be moved, nothing can be until something changes.
        int moved = _migration.Condense(CondensedFramesMax, use.UnreportedFrames - kept);
        _condensedUse = moved == 0 && kept == 0 ? use : default;
        return moved;
    }
}
