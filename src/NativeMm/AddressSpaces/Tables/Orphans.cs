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
            tables.NextOrphan = s_first;
            s_first = tables;
        }
    }

    /// <summary>Gives back what nobody holds any more.</summary>
    public static void Flush()
    {
        using (s_lock.EnterScope())
        {
            PageTables? before = null;
            for (PageTables? tables = s_first; tables is not null; tables = tables.NextOrphan)
            {
                if (tables.Deferred.Flush() != 0)
                {
                    before = tables;
                    continue;
                }

                tables.Deferred.End();
                if (before is null)
                {
                    s_first = tables.NextOrphan;
                }
                else
                {
                    before.NextOrphan = tables.NextOrphan;
                }
            }
        }
    }
}
