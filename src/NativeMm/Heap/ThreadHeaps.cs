using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// How a thread reaches its caches of heaps other than the shared one: by the heap's slot in an array.
/// </summary>
internal sealed unsafe class ThreadHeaps
{
    /// <summary>The calling thread's caches of other heaps, or null.</summary>
    [ThreadStatic]
    public static ThreadHeaps? t_others;

    private static SleepLock s_lock;
    private static readonly List<bool> s_slots = [];

    private nint[] _caches = [];

    /// <summary>The cache in a slot, or null. Called by the owning thread.</summary>
    public ThreadCache* this[int slot]
    {
        get
        {
            nint[] caches = _caches;
            return (uint)slot < (uint)caches.Length ? (ThreadCache*)caches[slot] : null;
        }
    }

    /// <summary>A slot that no living heap has.</summary>
    public static int TakeSlot()
    {
        using (s_lock.EnterScope())
        {
            int free = s_slots.IndexOf(false);
            if (free < 0)
            {
                free = s_slots.Count;
                s_slots.Add(false);
            }

            s_slots[free] = true;
            return free;
        }
    }

    /// <summary>Gives a slot up. No thread may still have a cache in it.</summary>
    public static void ReturnSlot(int slot)
    {
        using (s_lock.EnterScope())
        {
            s_slots[slot] = false;
        }
    }

    /// <summary>Makes room for a slot, so that putting a cache into it allocates nothing. The owning thread.</summary>
    public void EnsureSlot(int slot)
    {
        using (s_lock.EnterScope())
        {
            if (slot >= _caches.Length)
            {
                Array.Resize(ref _caches, Math.Max(slot + 1, _caches.Length * 2));
            }
        }
    }

    /// <summary>Puts a cache into a slot that there is room for, or null to forget it. The owning thread, or a heap that is being disposed.</summary>
    public void Set(int slot, ThreadCache* cache)
    {
        using (s_lock.EnterScope())
        {
            _caches[slot] = (nint)cache;
        }
    }
}
