using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>
/// The garbage collector's limit, which a process has one of: of several budgets the lowest wish holds, and after the last one the limit is as high as it was.
/// Thread-safe.
/// </summary>
internal static class ManagedLimit
{
    private const string Setting = "GCHeapHardLimit";

    private static readonly List<(object Owner, long Bytes)> s_wishes = [];
    private static SleepLock s_lock;
    private static long s_before;

    /// <summary>Sets one owner's wish.</summary>
    /// <returns>False, and nothing is changed, when the collector has more than that already.</returns>
    public static bool TrySet(object owner, long bytes)
    {
        using (s_lock.EnterScope())
        {
            s_wishes.EnsureCapacity(s_wishes.Count + 1);
            if (s_wishes.Count == 0)
            {
                s_before = GC.GetGCMemoryInfo(GCKind.Any).TotalAvailableMemoryBytes;
            }

            if (!TryApply(long.Min(bytes, LowestBut(owner))))
            {
                return false;
            }

            Strike(owner);
            s_wishes.Add((owner, bytes));
            return true;
        }
    }

    /// <summary>Ends one owner's wish; without one it does nothing.</summary>
    public static void End(object owner)
    {
        using (s_lock.EnterScope())
        {
            if (Strike(owner))
            {
                TryApply(s_wishes.Count == 0 ? s_before : LowestBut(owner));
            }
        }
    }

    private static long LowestBut(object owner)
    {
        long lowest = long.MaxValue;
        foreach ((object other, long bytes) in s_wishes)
        {
            lowest = ReferenceEquals(other, owner) ? lowest : long.Min(lowest, bytes);
        }

        return lowest;
    }

    private static bool Strike(object owner) => s_wishes.RemoveAll(one => ReferenceEquals(one.Owner, owner)) != 0;

    /// <summary>The setting goes back where the collector refuses it: whoever refreshes the limit next would be refused for it.</summary>
    private static bool TryApply(long bytes)
    {
        object? last = AppContext.GetData(Setting);
        try
        {
            AppContext.SetData(Setting, (ulong)bytes);
            GC.RefreshMemoryLimit();
            return true;
        }
        catch (InvalidOperationException)
        {
            AppContext.SetData(Setting, last);
            return false;
        }
    }
}
