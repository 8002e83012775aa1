using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Buffers;

/// <content>Figures and checks.</content>
public sealed unsafe partial class CompressedPageStore
{
    private static readonly TimeSpan s_validationPatience = TimeSpan.FromSeconds(10);

    /// <summary>Counts everything; walks the stripes.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public CompressedPageStoreStatistics GetStatistics()
    {
        ThrowIfDisposed();
        var tally = default(PageTally);
        long indexBytes = (long)_stripes.Length * sizeof(PageStripe);
        foreach (ref PageStripe stripe in _stripes.AsSpan(1))
        {
            stripe.Lock.Enter();
            tally.Add(stripe.Tally);
            indexBytes += (long)PageTable.BytesOf(stripe.Table.Capacity, _entryBytes);
            stripe.Lock.Exit();
        }

        ZsPoolStatistics pool = _pool.GetStatistics();
        return new CompressedPageStoreStatistics(
            OrigDataBytes: tally.Pages * _pageBytes,
            ComprDataBytes: tally.ComprBytes,
            MemUsedTotalBytes: pool.Frames * ObjectBytesMax,
            MemLimitBytes: Options.MemoryLimitBytes,
            MemUsedMaxBytes: (long)Atomic.LoadAcquire(ref _framesMax) * ObjectBytesMax,
            SamePages: tally.SamePages,
            PagesCompacted: pool.FramesCompacted,
            HugePages: tally.HugePages,
            HugePagesSince: tally.HugePagesSince,
            Pages: tally.Pages,
            IndexBytes: indexBytes,
            Refusals: Atomic.LoadAcquire(ref _refusals),
            CorruptedLoads: Atomic.LoadAcquire(ref _corruptedLoads));
    }

    /// <summary>
    /// Checks the tables and their accounting: pages = same-filled + compressed + huge in each stripe, and the objects and bytes of all entries are
    /// those of the pool. Call it at rest; compaction that began by itself it waits for.
    /// </summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The store is disposed.</exception>
    public void Validate()
    {
        ThrowIfDisposed();
        using var rest = new ZsRest(_pool.Engine);
        long objects = 0;
        long bytes = 0;
        for (int index = 1; index < _stripes.Length; index++)
        {
            ref PageStripe stripe = ref _stripes[index];

            // Whoever only counts has the lock for a moment.
            bool isFree = AwaitFree(ref stripe);
            Invariant.Check(isFree, $"Stripe {index} of the page store is locked at rest.");
            stripe.Table.Validate(_entryBytes);
            objects += ValidateStripe(index, ref stripe);
            bytes += stripe.Tally.ComprBytes;
        }

        ZsPoolStatistics pool = _pool.GetStatistics();
        Invariant.Check(objects == pool.Objects, $"The entries name {objects} objects, and the pool has {pool.Objects}.");
        Invariant.Check(bytes == pool.UsedBytes, $"The pages have {bytes} bytes in the pool, and the pool counts {pool.UsedBytes}.");
        long framesMax = (long)Atomic.LoadAcquire(ref _framesMax);
        Invariant.Check(pool.Frames <= framesMax || pool.Objects == 0, $"The pool holds {pool.Frames} frames, and the most ever was {framesMax}.");
        _pool.Validate();
    }

    private static bool AwaitFree(ref PageStripe stripe)
    {
        long start = Stopwatch.GetTimestamp();
        var backoff = default(Backoff);
        while (stripe.Lock.IsHeld)
        {
            if (Stopwatch.GetElapsedTime(start) > s_validationPatience)
            {
                return false;
            }

            backoff.Wait();
        }

        return true;
    }

    /// <summary>An object of a page, for tests that damage it at rest; none when there is no such page or object.</summary>
    internal ZsHandle ObjectOf(ulong key, int index)
    {
        ulong hash = PageHash.Of(key);
        PageEntry* entry = StripeOf(hash).Table.Find(key, PageHash.SlotOf(hash), _entryBytes);
        return entry != null && index < ObjectsOf(entry->State.Bytes) ? new ZsHandle((&entry->First)[index]) : default;
    }

    private long ValidateStripe(int index, ref PageStripe stripe)
    {
        var tally = new PageTally { HugePagesSince = stripe.Tally.HugePagesSince };
        long objects = 0;
        long compressed = 0;
        int slot = 0;
        while (stripe.Table.Next(ref slot, _entryBytes) is var entry && entry != null)
        {
            ulong key = entry->Key;
            PageState state = entry->State;
            tally.Add(state);
            compressed += state.Kind == PageKind.Compressed ? 1 : 0;
            bool lengthFits = state.Kind switch
            {
                PageKind.SameFilled => state.Bytes == 0,
                PageKind.Compressed => state.Bytes >= 1 && state.Bytes <= _compressedBytesMax,
                _ => state.Bytes == _pageBytes,
            };
            Invariant.Check(lengthFits, $"Page {key} has {state.Bytes} bytes, which is no length of a {state.Kind} page.");
            Invariant.Check(((PageHash.StripeOf(PageHash.Of(key)) & _stripeMask) + 1) == index, $"Page {key} is in stripe {index}.");
            objects += ValidateObjects(entry);
        }

        tally.HugePagesSince = stripe.Tally.HugePagesSince;
        Invariant.Check(tally.Equals(stripe.Tally), $"The tally of stripe {index} is not what its {tally.Pages} pages add up to.");
        Invariant.Check(
            tally.Pages == tally.SamePages + compressed + tally.HugePages,
            $"Stripe {index}: {tally.Pages} pages are not {tally.SamePages} same-filled, {compressed} compressed and {tally.HugePages} huge ones.");
        Invariant.Check(tally.HugePagesSince >= tally.HugePages, $"Stripe {index} has more huge pages than it ever stored.");
        return objects;
    }

    private long ValidateObjects(PageEntry* entry)
    {
        ulong key = entry->Key;
        int left = entry->State.Bytes;
        int count = ObjectsOf(left);
        for (int i = 0; i < count; i++, left -= ObjectBytesMax)
        {
            int bytes = Math.Min(ObjectBytesMax, left);
            int actual = _pool.SizeOf(new ZsHandle((&entry->First)[i]));
            Invariant.Check(actual == bytes, $"Object {i} of page {key} has {actual} bytes instead of {bytes}.");
        }

        return count;
    }
}
