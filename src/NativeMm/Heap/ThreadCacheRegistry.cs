// Purpose      knows every thread cache of one heap, finds those whose threads are gone, and lets anybody empty those whose threads idle.
// States       an entry: owned → gone (nothing can reach the cache through its owner any more) → owned by another thread.
//              Entries that were found gone have no owner and lie in _gone.
// Transitions  owned → gone by whoever looks, under _lock: an attaching thread at the newest few, and at all when as many threads came since
//              the last look as make a quarter of the entries; a trim pass at all. gone → owned by an attaching thread, under _lock.
// Ownership    lists and entries under _lock; a cache's hit path by the thread that owns it; the rest of a cache under its guard.
// Ordering     [R1] a thread is seen gone only after its last instruction; the full fence behind the observation orders everything that
//              follows after everything that it wrote.
// Reuse        The pointer to a cache of the shared heap is a plain word in the thread's own block. It is still there when .NET has let go of the
//              thread and native destructors call managed code, so such a cache is gone only when the system has no such thread any more. Other
//              heaps are reached through a reference (ThreadHeaps), which .NET drops with its thread: there it suffices that .NET let go.
//              The number of a system thread may be given to another one: the cache then waits until that one is gone as well, unless it comes
//              here itself, which proves the first one gone.
// Progress     nothing waits for a finalizer or a garbage collection, and nothing allocates managed memory but Attach, before it changes anything.
// Source       decision 0002: dead threads are found by asking, not by finalizers.

using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Heap;

/// <summary>The thread caches of one heap. Thread-safe.</summary>
internal sealed unsafe class ThreadCacheRegistry(int slot, bool isOnStack)
{
    /// <summary>Entries that an attaching thread looks at: short threads that come one after the other leave theirs among the newest.</summary>
    private const int NewestCount = 8;

    private SleepLock _lock;
    private readonly List<Entry> _entries = [];
    private readonly Stack<Entry> _gone = [];
    private readonly Entry?[] _newest = new Entry?[NewestCount];
    private int _attached;
    private int _sweptAt;

    /// <summary>Caches taken over from dead threads.</summary>
    public long Adopted { get; private set; }

    /// <summary>Gives the calling thread a cache: that of a thread that is gone, with the blocks that lie in it, or a new one.</summary>
    /// <param name="make">Makes a new cache, or null when there is no memory.</param>
    /// <exception cref="OutOfMemoryException">Managed memory is full. Nothing has changed.</exception>
    public ThreadCache* Attach(Func<nint> make)
    {
        OwnerThread thread = OwnerThread.Current;
        ThreadHeaps? heaps = isOnStack ? null : ThreadHeaps.ForThisThread(slot);
        var fresh = new Entry();
        Entry? entry;
        bool isAdopted;
        using (_lock.EnterScope())
        {
            entry = TakeGone(thread);
            isAdopted = entry is not null;
            entry ??= Make(fresh, make);
            if (entry is null)
            {
                return null;
            }

            Invariant.Assert(entry.Owner is null && entry.Heaps is null, "A thread cache is given to a second owner.");
            Invariant.Assert(_entries.Contains(entry) && !_gone.Contains(entry), "A thread cache has an owner and is unknown, or waits for one.");
            entry.Owner = thread;
            entry.Heaps = heaps;

            // What the last owner's looks cost counts in his processor time, and the new one's begins again.
            entry.Cache->LooksPaidUntil = 0;
            entry.Cache->NoLookUntil = 0;
            entry.Cache->CpuSeen = 0;
            _newest[_attached++ % NewestCount] = entry;
            Adopted += isAdopted ? 1 : 0;
        }

        Publish(heaps, entry.Cache);
        if (isAdopted)
        {
            NativeMmEventSource.Log.DeadThreadAdopted("thread cache", ThreadCache.Bytes);
        }

        return entry.Cache;
    }

    /// <summary>Finds out which threads are gone, and lets go of them.</summary>
    public void Sweep()
    {
        using (_lock.EnterScope())
        {
            SweepLocked(askSystem: false);
        }
    }

    /// <summary>The cache at a place in the list, which only grows and keeps its order; null behind the end.</summary>
    public ThreadCache* At(int index)
    {
        using (_lock.EnterScope())
        {
            return index < _entries.Count ? _entries[index].Cache : null;
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
            _gone.Clear();
            Array.Clear(_newest);
        }
    }

    private void Publish(ThreadHeaps? heaps, ThreadCache* cache)
    {
        Invariant.Assert(isOnStack == heaps is null && !_lock.IsHeldByCurrentThread, "A cache is published where no thread of this heap looks, or under the lock.");
        if (heaps is null)
        {
            SharedHeapThread.t_cache = cache;
        }
        else
        {
            heaps.Set(slot, cache);
        }
    }

    private Entry? Make(Entry fresh, Func<nint> make)
    {
        // Room first: what follows must not fail half-way, and a sweep must not need memory.
        _entries.EnsureCapacity(_entries.Count + 1);
        _gone.EnsureCapacity(_entries.Count + 1);
        fresh.Cache = (ThreadCache*)make();
        if (fresh.Cache == null)
        {
            return null;
        }

        fresh.Cache->OddNumber = (2 * _entries.Count) + 1;
        _entries.Add(fresh);
        return fresh;
    }

    private Entry? TakeGone(OwnerThread taker)
    {
        Invariant.Assert(_lock.IsHeldByCurrentThread && _gone.Count <= _entries.Count, $"{_gone.Count} of {_entries.Count} caches are nobody's, or are looked at without the lock.");
        if (_gone.TryPop(out Entry? known))
        {
            return known;
        }

        foreach (Entry? entry in _newest)
        {
            if (entry is { Owner: { } owner } && (owner.HasNumberOf(taker) || IsGone(owner, askSystem: false)))
            {
                if (TryLetGo(entry))
                {
                    return entry;
                }
            }
        }

        // At most a few looks for each thread that comes, and at most a quarter more caches than threads.
        if (_attached - _sweptAt > _entries.Count / 4)
        {
            SweepLocked(askSystem: true);
        }

        return _gone.TryPop(out known) ? known : null;
    }

    private void SweepLocked(bool askSystem)
    {
        Invariant.Assert(_lock.IsHeldByCurrentThread, "Thread caches are swept without the lock of their registry.");
        _sweptAt = _attached;
        foreach (Entry entry in _entries)
        {
            if (entry.Owner is { } owner && IsGone(owner, askSystem))
            {
                if (TryLetGo(entry))
                {
                    Invariant.Assert(_gone.Count < _entries.Count && !_gone.Contains(entry), $"{_gone.Count} of {_entries.Count} thread caches wait for an owner, one of them twice.");
                    _gone.Push(entry);
                }
            }
        }
    }

    /// <summary>Whether nothing can reach a cache through its owner any more.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="askSystem">
    /// Whether to ask the system even about threads that .NET knows: one that it came to know again in a native destructor stays known for ever.
    /// </param>
    private bool IsGone(OwnerThread owner, bool askSystem) => isOnStack
        ? (askSystem || owner.HasLeft) && owner.IsGone
        : owner.HasLeft || (askSystem && owner.IsGone);

    /// <summary>Takes a cache from an owner that is gone.</summary>
    /// <returns>Whether it may get another one. It must not when a page of a stack still leads to it; then it is only ever emptied.</returns>
    private bool TryLetGo(Entry entry)
    {
        Invariant.Assert(_lock.IsHeldByCurrentThread && entry.Owner is not null, "A thread cache that nobody has is let go, or without the lock of its registry.");
        Atomic.FullFence(); // [R1]
        entry.Owner = null;
        entry.Heaps = null;
        return !isOnStack || StackPages.Forget(entry.Cache);
    }

    private sealed class Entry
    {
        public ThreadCache* Cache { get; set; }

        public OwnerThread? Owner { get; set; }

        public ThreadHeaps? Heaps { get; set; }
    }
}
