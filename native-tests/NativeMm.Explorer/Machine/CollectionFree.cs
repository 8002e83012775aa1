using System.Runtime;

namespace NativeMm.Explorer.Machine;

/// <summary>Keeps garbage collections away from executions: collects between them, when enough was allocated.</summary>
internal static class CollectionFree
{
    private const long RegionBytes = 220L << 20;
    private const long CollectAfter = 120L << 20;
    private static long s_begin;

    /// <summary>Begins the first region.</summary>
    public static void Begin()
    {
        s_begin = GC.GetAllocatedBytesForCurrentThread();
        if (!GC.TryStartNoGCRegion(RegionBytes))
        {
            throw new InvalidOperationException($"The runtime grants no {RegionBytes >> 20} MiB without a collection.");
        }
    }

    /// <summary>Between two executions: collects if it is time.</summary>
    /// <returns>Whether objects may have moved.</returns>
    public static bool CollectIfDue()
    {
        if (GC.GetAllocatedBytesForCurrentThread() - s_begin < CollectAfter)
        {
            return false;
        }

        End();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Begin();
        return true;
    }

    /// <summary>Ends the region.</summary>
    public static void End()
    {
        if (GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
        {
            throw new InvalidOperationException("One execution allocated so much that the runtime collected under it; make the case smaller.");
        }

        GC.EndNoGCRegion();
    }
}
