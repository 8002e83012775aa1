using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>Sums over parts, for the statistics.</content>
public sealed partial class MemoryRuntime
{
    private (ulong Bytes, ulong Frames, long Compacted, long Contentions) CountPools()
    {
        (ulong bytes, ulong frames, long compacted, long contentions) = (0, 0, 0, 0);
        foreach (ZsPool pool in Pools())
        {
            bytes += (ulong)pool.SlotBytesUnlessDisposed();
            frames += pool.IsDisposed ? 0 : (ulong)pool.Engine.TotalFrames;
            compacted += pool.Engine.FramesCompacted;
            contentions += ContentionsOf(pool);
        }

        return (bytes, frames, compacted, contentions);
    }

    /// <summary>Bytes in frames that no slab and no zspage has, where there is a space.</summary>
    private ulong CountSpaces(Frames.FrameStatistics zone, ulong others)
    {
        ulong allocated = zone.AllocatedFrames * Pfn.FrameBytes;
        return allocated > others && Array.Exists(Spaces(), static space => !space.IsDisposed || space.IsHeld) ? allocated - others : 0;
    }

    /// <summary>
    /// Bytes in frames that are decided and not free yet. What is accounted is an upper bound as long as nobody has looked at the tables; what lies in no frame is not on its way.
    /// </summary>
    private ulong CountReleasing(Frames.FrameStatistics zone, ulong others)
    {
        ulong allocated = zone.AllocatedFrames * Pfn.FrameBytes;
        ulong announced = (ulong)long.Max(0, _teardown.Ledger.ReleasingFrameBytes);
        return ulong.Min(announced, allocated > others ? allocated - others : 0);
    }

    private List<AddressSpaceStatistics> StatisticsOfSpaces()
    {
        var rows = new List<AddressSpaceStatistics>();
        foreach (AddressSpace space in Spaces())
        {
            if (space.StatisticsUnlessDisposed() is { } row)
            {
                rows.Add(row);
            }
        }

        return rows;
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
