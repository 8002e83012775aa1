using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>The stores of the process, for who counts or trims them all. It keeps none alive.</summary>
internal static class SlabStores
{
    private const int FaultsMax = 1000;

    private static readonly List<WeakReference<ITrimmedPool>> s_pools = [];
    private static SleepLock s_lock;

    /// <summary>Enters a pool.</summary>
    public static void Add(ITrimmedPool pool)
    {
        using (s_lock.EnterScope())
        {
            s_pools.RemoveAll(entry => !entry.TryGetTarget(out _));
            s_pools.Add(new WeakReference<ITrimmedPool>(pool));
        }
    }

    /// <summary>The pools that are alive.</summary>
    public static IReadOnlyList<ITrimmedPool> All()
    {
        using (s_lock.EnterScope())
        {
            var alive = new List<ITrimmedPool>(s_pools.Count);
            foreach (WeakReference<ITrimmedPool> entry in s_pools)
            {
                if (entry.TryGetTarget(out ITrimmedPool? pool))
                {
                    alive.Add(pool);
                }
            }

            return alive;
        }
    }

    /// <summary>Gives the idle memory of all pools back.</summary>
    public static long TrimAll() => All().Sum(TrimQuietly);

    /// <summary>Gives the idle memory of a pool back for somebody who has no part in its mistakes: what the checked mode finds is counted and told by an event.</summary>
    public static long TrimQuietly(ITrimmedPool pool)
    {
        for (int found = 0; found < FaultsMax; found++)
        {
            try
            {
                return pool.Trim();
            }
            catch (MemoryFaultException)
            {
                // The buffer has left the checked mode; the rest of the pool is still to be looked at.
            }
        }

        return 0;
    }
}
