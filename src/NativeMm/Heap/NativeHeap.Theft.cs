using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Emptying the caches of all threads. Under the upkeep lock, so that nobody else holds more than one guard.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Magazines that one process-wide fence serves. Its owners wait that long for a refill or a flush, so it is bounded.</summary>
    private const int TheftsMax = 2 * SizeClass.Count;

    /// <summary>Sends the blocks in thread caches home.</summary>
    /// <param name="onlyIdle">Only from magazines that did not move since the last pass, and from caches whose guard is free.</param>
    /// <returns>The first caller's mistake among the blocks, if any.</returns>
    private BlockFault EmptyThreadCaches(bool onlyIdle)
    {
        BlockFault fault = BlockFault.None;
        Span<CacheTheft> thefts = stackalloc CacheTheft[TheftsMax];
        Span<byte> wanted = stackalloc byte[SizeClass.Count];
        int count = 0;
        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread, "Several guards are taken without the upkeep lock.");
        _caches.Sweep();
        for (int i = 0; ; i++)
        {
            ThreadCache* cache = _caches.At(i);
            if (cache == null)
            {
                return fault.Or(EndThefts(thefts[..count]));
            }

            if (!cache->Guard.TryEnter())
            {
                if (onlyIdle)
                {
                    continue;
                }

                // Nothing is held while one waits: its owner may have lost its core.
                fault = fault.Or(EndThefts(thefts[..count]));
                count = 0;
                cache->Guard.Enter();
            }

            Span<byte> classes = wanted[..FindWanted(cache, onlyIdle, wanted)];
            if (classes.IsEmpty)
            {
                cache->Guard.Exit();
                continue;
            }

            if (count + classes.Length > thefts.Length)
            {
                fault = fault.Or(EndThefts(thefts[..count]));
                count = 0;
            }

            Invariant.Assert(cache->Guard.IsHeld && cache->Tag == _tag, "A cache is stolen from without its guard, or from another heap.");
            foreach (byte sizeClass in classes)
            {
                thefts[count++] = new CacheTheft(cache, sizeClass, ThreadCache.MagazineOf(cache, sizeClass).StealBegin());
            }
        }
    }

    /// <summary>Finds the classes of a cache whose magazines are to be emptied. Under its guard.</summary>
    /// <returns>How many.</returns>
    private static int FindWanted(ThreadCache* cache, bool onlyIdle, Span<byte> wanted)
    {
        int count = 0;
        Invariant.Assert(cache->Guard.IsHeld && wanted.Length == SizeClass.Count, "The magazines of a cache are looked at without its guard.");
        for (int i = 0; i < SizeClass.Count; i++)
        {
            bool rests = !onlyIdle || ThreadCache.RestsSinceLastLook(cache, i);
            ThreadCache.AllowanceOf(cache, (nuint)i).HasRested |= rests;
            if (rests && ThreadCache.MagazineOf(cache, (nuint)i).Count > 0)
            {
                wanted[count++] = (byte)i;
            }
        }

        return count;
    }

    /// <summary>The second half of many thefts after one fence. Gives up the guards of their caches, whose thefts lie side by side.</summary>
    /// <returns>The first caller's mistake among the blocks, if any.</returns>
    private BlockFault EndThefts(ReadOnlySpan<CacheTheft> thefts)
    {
        BlockFault fault = BlockFault.None;
        if (thefts.IsEmpty)
        {
            return fault;
        }

        Invariant.Assert(thefts.Length <= TheftsMax && thefts[0].Cache->Guard.IsHeld, $"{thefts.Length} thefts end without the guard of their cache.");
        Atomic.ProcessWideFence(); // [M5] of Magazine, between [M3] and [M4]
        for (int i = 0; i < thefts.Length; i++)
        {
            ThreadCache* cache = thefts[i].Cache;
            int sizeClass = thefts[i].SizeClass;
            Invariant.Assert(cache->Guard.IsHeld && sizeClass < SizeClass.Count, $"The guard was given up between the halves of theft {i} of {thefts.Length}.");
            fault = fault.Or(_depots[sizeClass].PutHome(ThreadCache.MagazineOf(cache, (nuint)sizeClass).StealEnd(thefts[i].Theft)));
            if (i + 1 == thefts.Length || thefts[i + 1].Cache != cache)
            {
                cache->Guard.Exit();
            }
        }

        return fault;
    }
}
