using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>What follows a refused pop.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>How often frames are asked for while slabs come and go, before an allocation fails.</summary>
    private const int RefusalsMax = 16;

    /// <summary>
    /// After a refused pop: fills the magazine from the depot and takes one. Frames are asked for with no lock and no guard held: shrinkers may
    /// empty this very cache then, and a program's own shrinker may free blocks into it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* TryAllocRefill(ThreadCache* cache, nuint sizeClass, nuint byteCount)
    {
        Invariant.Assert(cache->Tag == _tag && _checked is null, "A magazine of another heap is refilled, or one that must have none.");
        nuint block = RefillFromDepot(cache, sizeClass, afterRefusal: true, out int count);
        if (cache->IsShortOfCapacity)
        {
            TakeBackCapacity(cache, sizeClass);
        }

        ulong freed = ulong.MaxValue;
        for (int refusals = 0; block == 0 && refusals < RefusalsMax;)
        {
            bool grew = _depots[sizeClass].TryGrow();
            NoteGrowth(cache, (int)sizeClass);

            // Without frames it is worth another look all the same: the shrinkers sent blocks home, and others may have freed some.
            block = RefillFromDepot(cache, sizeClass, afterRefusal: false, out count);
            if (block == 0 && !grew)
            {
                // Slabs that ended since the last refusal were taken by others: memory is short, but it is not out.
                ulong now = FramesFreed();
                refusals = now == freed ? RefusalsMax : refusals + 1;
                freed = now;
            }
        }

        if (block == 0)
        {
            return TryAllocOverflow(_depots[sizeClass].Geometry.BlockBytes, zeroed: false);
        }

        if (_profile is not null)
        {
            nuint profiled = (nuint)AllocProfiled(cache, sizeClass, block, count);
            if (profiled != block)
            {
                return (void*)profiled;
            }
        }

        return _sampled is null ? (void*)block : AllocSampled(cache, sizeClass, byteCount, block, count);
    }

    /// <summary>Takes a block of those that lie in the magazine, or else in the depot, which then fills the magazine.</summary>
    /// <returns>The block; 0 when there is none in either.</returns>
    private nuint RefillFromDepot(ThreadCache* cache, nuint sizeClass, bool afterRefusal, out int count)
    {
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        Depot depot = _depots[sizeClass];
        nuint block = 0;
        cache->Guard.Enter();
        if (afterRefusal)
        {
            magazine.PopRefused();
        }

        count = magazine.Normalize().Length;
        if (count == 0)
        {
            if (afterRefusal)
            {
                EarnCapacity(cache, sizeClass);
            }

            count = depot.Take(magazine.HasSlots
                ? magazine.Slots(Math.Max(depot.Geometry.BatchCount, magazine.Capacity / 2))
                : new Span<nuint>(&block, 1));
        }

        Invariant.Assert(
            cache->Guard.IsHeld && count <= Math.Max(1, ThreadCache.AllowanceOf(cache, sizeClass).Slots),
            $"{count} blocks came into {ThreadCache.AllowanceOf(cache, sizeClass).Slots} slots, or without the guard.");
        if (count != 0 && magazine.HasSlots)
        {
            block = magazine.Slots(count)[^1];
            Invariant.Assert(_space.Contains(block), $"Block 0x{block:x} was refilled and lies outside of the zone.");
            magazine.SetItems(count - 1);
        }

        cache->Guard.Exit();
        return block;
    }
}
