// Purpose      knows every thread cache of one heap, finds those whose threads died, and lets anybody empty those whose threads idle.
// States       an entry's thread: alive → dead (Thread.IsAlive turns false once and for ever) → adopted by another thread.
// Ownership    the list and each entry's thread under _lock; a cache's hit path by its living thread; the rest of a cache under its guard.
// Ordering     [R1] a thread is seen dead only after its last instruction in managed code; the full fence behind the observation orders
//              everything that follows after everything that the dead thread wrote.
// Progress     nothing waits for a finalizer or a garbage collection: attaching a thread looks at a few entries, a trim pass at all.
// Source       decision 0002: dead threads are found by asking, not by finalizers.

using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>The thread caches of one heap. Thread-safe.</summary>
internal sealed unsafe class ThreadCacheRegistry(int slot, bool isShared)
{
    private const int ProbesPerAttach = 4;

    private SleepLock _lock;
    private readonly List<Entry> _entries = [];
    private int _cursor;

    /// <summary>Caches that exist, in use or not.</summary>
    public int Count
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Caches taken over from dead threads.</summary>
    public long Adopted { get; private set; }

    /// <summary>Gives the calling thread a cache: a dead thread's, with the blocks that lie in it, or a new one.</summary>
    /// <param name="make">Makes a new cache, or null when there is no memory.</param>
    /// <remarks>A free attaches as well, and must not fail for lack of managed memory: then there is no cache, as without native memory.</remarks>
    public ThreadCache* Attach(Func<nint> make)
    {
        ThreadCache* cache;
        bool isAdopted;
        try
        {
            cache = AttachUnderLock(make, out isAdopted);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }

        if (isAdopted)
        {
            NativeMmEventSource.Log.DeadThreadAdopted("thread cache", ThreadCache.Bytes);
        }

        return cache;
    }

    private ThreadCache* AttachUnderLock(Func<nint> make, out bool isAdopted)
    {
        // Whatever needs managed memory comes first: from the cache on nothing may fail.
        Thread self = Thread.CurrentThread;
        ThreadHeaps? heaps = isShared ? null : ThreadHeaps.t_others ??= new ThreadHeaps();
        heaps?.EnsureSlot(slot);
        isAdopted = false;
        using (_lock.EnterScope())
        {
            Entry? entry = FindDead();
            if (entry is null)
            {
                _entries.EnsureCapacity(_entries.Count + 1);
                var added = new Entry();
                added.Cache = (ThreadCache*)make();
                if (added.Cache == null)
                {
                    return null;
                }

                entry = added;
                _entries.Add(entry);
            }
            else
            {
                Adopted++;
                isAdopted = true;
            }

            entry.Thread = self;
            entry.Heaps = heaps;
            Publish(heaps, entry.Cache);
            return entry.Cache;
        }
    }

    /// <summary>Copies the list of caches. Those of dead threads let go of their thread on the way.</summary>
    public nint[] Snapshot()
    {
        using (_lock.EnterScope())
        {
            var caches = new nint[_entries.Count];
            for (int i = 0; i < caches.Length; i++)
            {
                _ = IsDead(_entries[i]);
                caches[i] = (nint)_entries[i].Cache;
            }

            return caches;
        }
    }

    /// <summary>A number that is another one when a thread came, or pushed, popped, refilled or flushed since the last look.</summary>
    public ulong Mark()
    {
        using (_lock.EnterScope())
        {
            ulong mark = (ulong)_entries.Count;
            foreach (Entry entry in _entries)
            {
                mark = ThreadCache.Mark(entry.Cache, mark);
            }

            return mark;
        }
    }

    /// <summary>Makes every thread forget its cache. No thread may use the heap any more.</summary>
    public void Clear()
    {
        using (_lock.EnterScope())
        {
            foreach (Entry entry in _entries)
            {
                entry.Heaps?.Set(slot, null);
            }

            _entries.Clear();
        }
    }

    private static bool IsDead(Entry entry)
    {
        if (entry.Thread is { IsAlive: true })
        {
            return false;
        }

        Atomic.FullFence(); // [R1]
        entry.Thread = null;
        entry.Heaps = null;
        return true;
    }

    private void Publish(ThreadHeaps? heaps, ThreadCache* cache)
    {
        if (heaps is null)
        {
            SharedHeapThread.t_cache = cache;
        }
        else
        {
            heaps.Set(slot, cache);
        }
    }

    private Entry? FindDead()
    {
        int probes = Math.Min(ProbesPerAttach, _entries.Count);
        for (int i = 0; i < probes; i++)
        {
            _cursor = _cursor + 1 < _entries.Count ? _cursor + 1 : 0;
            if (IsDead(_entries[_cursor]))
            {
                return _entries[_cursor];
            }
        }

        return null;
    }

    private sealed class Entry
    {
        public ThreadCache* Cache { get; set; }

        public Thread? Thread { get; set; }

        public ThreadHeaps? Heaps { get; set; }
    }
}
