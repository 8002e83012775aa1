using NativeMm.Diagnostics;
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

    /// <summary>Slots that were given back. It has room for all that were ever given out, so that giving one back needs no memory.</summary>
    private static readonly Stack<int> s_free = [];
    private static int s_given;

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
            if (s_free.TryPop(out int slot))
            {
                return slot;
            }

            s_free.EnsureCapacity(s_given + 1);
            return s_given++;
        }
    }

    /// <summary>Gives a slot up. No thread may still have a cache in it.</summary>
    public static void ReturnSlot(int slot)
    {
        using (s_lock.EnterScope())
        {
            Invariant.Assert(slot >= 0 && slot < s_given && !s_free.Contains(slot), $"Place {slot} of {s_given} is given up twice, or was never given.");
            s_free.Push(slot);
        }
    }

    /// <summary>The calling thread's caches of other heaps, with room for a slot.</summary>
    /// <exception cref="OutOfMemoryException">Managed memory is full. Nothing has changed.</exception>
    public static ThreadHeaps ForThisThread(int slot)
    {
        ThreadHeaps heaps = t_others ??= new ThreadHeaps();
        if (slot >= heaps._caches.Length)
        {
            heaps.Grow(Math.Max(slot + 1, heaps._caches.Length * 2));
        }

        return heaps;
    }

    /// <summary>Puts a cache into a slot that there is room for, or null to forget it. The owning thread, or a heap that is being disposed.</summary>
    public void Set(int slot, ThreadCache* cache)
    {
        using (s_lock.EnterScope())
        {
            Invariant.Assert((uint)slot < (uint)_caches.Length && (cache == null || _caches[slot] == 0), $"Place {slot} of {_caches.Length} gets a second cache.");
            _caches[slot] = (nint)cache;
        }
    }

    private void Grow(int length)
    {
        nint[] caches = new nint[length];
        using (s_lock.EnterScope())
        {
            Invariant.Assert(length > _caches.Length, $"Room for {_caches.Length} caches grows to {length}.");

            // Under the lock: a heap that is being disposed takes its cache out of the array that counts.
            _caches.CopyTo(caches, 0);
            _caches = caches;
        }
    }
}
