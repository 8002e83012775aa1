namespace NativeMm.Heap;

/// <summary>
/// How a thread reaches its caches of heaps other than the shared one: by the heap's slot in an array.
/// </summary>
internal sealed unsafe class ThreadHeaps
{
    /// <summary>The calling thread's caches of other heaps, or null.</summary>
    [ThreadStatic]
    public static ThreadHeaps? t_others;

    private static readonly Lock s_lock = new();
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
        lock (s_lock)
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
        lock (s_lock)
        {
            s_slots[slot] = false;
        }
    }

    /// <summary>Puts a cache into a slot, or null to forget it. The owning thread, or a heap that is being disposed.</summary>
    public void Set(int slot, ThreadCache* cache)
    {
        lock (s_lock)
        {
            if (slot >= _caches.Length)
            {
                Array.Resize(ref _caches, Math.Max(slot + 1, _caches.Length * 2));
            }

            _caches[slot] = (nint)cache;
        }
    }
}
