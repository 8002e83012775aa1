using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Tables of spaces that ended while threads had leases of their pages. The frames are given back when the leases are gone: at the next end of a space, or when
/// somebody asks. Thread-safe.
/// </summary>
internal static class Orphans
{
    private static SleepLock s_lock;
    private static PageTables? s_first;

    /// <summary>Adds one that has ended and has something that waits.</summary>
    public static void Add(PageTables tables)
    {
        using (s_lock.EnterScope())
        {
            Invariant.Assert(tables.NextOrphan is null && s_first != tables, "The tables of a space that ended wait twice.");
            tables.NextOrphan = s_first;
            s_first = tables;
        }
    }

    /// <summary>Gives back what nobody holds any more.</summary>
    public static void Flush()
    {
        using (s_lock.EnterScope())
        {
            if (s_first is not null)
            {
                AccessSlots.EndLeasesOfDead();
            }

            PageTables? waiting = null;
            while (s_first is { } tables)
            {
                s_first = tables.NextOrphan;
                if (tables.Deferred.Flush() == 0)
                {
                    tables.EndDeferred();
                }
                else
                {
                    tables.NextOrphan = waiting;
                    waiting = tables;
                }
            }

            s_first = waiting;
        }
    }

    /// <summary>Takes those off whose frames go, whatever holds them.</summary>
    public static void Forget(IFrameAllocator frames)
    {
        using (s_lock.EnterScope())
        {
            PageTables? others = null;
            while (s_first is { } tables)
            {
                s_first = tables.NextOrphan;
                if (tables.Frames == frames)
                {
                    tables.EndDeferred();
                    continue;
                }

                tables.NextOrphan = others;
                others = tables;
            }

            s_first = others;
        }
    }
}
