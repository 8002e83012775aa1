using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// Numbers that tell the handles of one pool from those of all others of the process: 1 to 4095. The one that was given back longest ago comes
/// last, so that a handle of a pool that is gone meets a pool with its number as late as possible.
/// </summary>
internal static class ZsPoolTags
{
    /// <summary>Most pools at the same time.</summary>
    public const int PoolsMax = 4095;

    private static SleepLock s_lock;
    private static readonly bool[] s_taken = new bool[PoolsMax + 1];
    private static int s_last;

    /// <summary>Takes a number.</summary>
    /// <exception cref="InvalidOperationException">There are too many pools.</exception>
    public static uint Take()
    {
        using (s_lock.EnterScope())
        {
            for (int i = 0; i < PoolsMax; i++)
            {
                s_last = (s_last % PoolsMax) + 1;
                if (!s_taken[s_last])
                {
                    s_taken[s_last] = true;
                    return (uint)s_last;
                }
            }
        }

        throw new InvalidOperationException($"There are {PoolsMax} pools already, which is the most that a process may have at a time.");
    }

    /// <summary>Gives a number back.</summary>
    public static void Return(uint tag)
    {
        using (s_lock.EnterScope())
        {
            s_taken[tag] = false;
        }
    }
}
