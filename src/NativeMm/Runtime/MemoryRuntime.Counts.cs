using NativeMm.Primitives;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>Sums over parts, for the statistics.</content>
public sealed partial class MemoryRuntime
{
    private (ulong Bytes, long Compacted, long Contentions) CountPools()
    {
        (ulong bytes, long compacted, long contentions) = (0, 0, 0);
        foreach (ZsPool pool in Pools())
        {
            bytes += (ulong)pool.SlotBytesUnlessDisposed();
            compacted += pool.Engine.FramesCompacted;
            contentions += ContentionsOf(pool);
        }

        return (bytes, compacted, contentions);
    }

    private ulong OpenedOf(VmapStatistics? vmap) => vmap is null ? 0 : VmapIfUsed!.Zone.OpenedFrames * (ulong)Pfn.FrameBytes;

    private static long ContentionsOf(ZsPool pool)
    {
        try
        {
            return pool.Options.LockStatistics ? pool.GetLockStatistics().Sum(row => row.Contentions) : 0;
        }
        catch (ObjectDisposedException)
        {
            // It ended a moment ago.
            return 0;
        }
    }
}
