using NativeMm.Primitives;

namespace NativeMm.Heap.Checked;

/// <summary>
/// All checked heaps of the process, so that a block freed to the wrong one can be named. It holds them weakly: a heap that is dropped
/// without <c>Dispose</c> is not kept alive. Thread-safe.
/// </summary>
internal static class CheckedHeaps
{
    private static readonly List<WeakReference<CheckedBlocks>> s_heaps = [];
    private static SpinLock<NoLockStatistics> s_lock;

    /// <summary>Enters a heap.</summary>
    public static void Add(CheckedBlocks heap)
    {
        ExitReport.Begin();
        var reference = new WeakReference<CheckedBlocks>(heap);
        s_lock.Enter();
        try
        {
            // A heap without a place would not be found; whoever makes it is told, and the list is as it was.
            s_heaps.RemoveAll(static known => !known.TryGetTarget(out _));
            s_heaps.Add(reference);
        }
        finally
        {
            s_lock.Exit();
        }
    }

    /// <summary>Removes a heap.</summary>
    public static void Remove(CheckedBlocks heap)
    {
        s_lock.Enter();
        try
        {
            for (int i = s_heaps.Count - 1; i >= 0; i--)
            {
                if (!s_heaps[i].TryGetTarget(out CheckedBlocks? target) || ReferenceEquals(target, heap))
                {
                    s_heaps.RemoveAt(i);
                }
            }
        }
        finally
        {
            s_lock.Exit();
        }
    }

    /// <summary>The heaps other than one, as they are now; all of them without one.</summary>
    public static List<CheckedBlocks> Others(CheckedBlocks? heap)
    {
        var others = new List<CheckedBlocks>();
        s_lock.Enter();
        try
        {
            foreach (WeakReference<CheckedBlocks> known in s_heaps)
            {
                if (known.TryGetTarget(out CheckedBlocks? target) && !ReferenceEquals(target, heap))
                {
                    others.Add(target);
                }
            }
        }
        finally
        {
            s_lock.Exit();
        }

        return others;
    }
}
