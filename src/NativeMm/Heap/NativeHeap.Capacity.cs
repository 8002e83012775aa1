using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>How much a thread may keep. All of it by the owner of a cache, under the cache's guard.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Magazines with earned capacity that one shortage looks at.</summary>
    private const int LooksPerShortage = 8;

    /// <summary>Smaller blocks come and go by whole batches, however few a magazine holds. From this size on a batch is a few blocks, or one.</summary>
    private const uint RememberedBlockBytesMin = 4096;

    /// <summary>A push was refused. Gives a magazine its first slots, or takes back what it earned before it came to rest.</summary>
    private void NoteOverflow(ThreadCache* cache, nuint sizeClass)
    {
        ref Allowance allowance = ref ThreadCache.AllowanceOf(cache, sizeClass);
        Invariant.Assert(cache->Guard.IsHeld, "A cache notes an overflow without its guard.");
        allowance.OverflowedAt = ++cache->Events;
        if (!EnsureFirstSlots(cache, sizeClass))
        {
            return;
        }

        if (allowance.HasRested)
        {
            allowance.HasRested = false;
            SetCapacity(cache, sizeClass, _depots[sizeClass].Geometry.MagazineCapacityAtFirst);
        }
    }

    /// <summary>A pop was refused and the magazine is empty: doubles its capacity if it overflowed a moment ago.</summary>
    private void EarnCapacity(ThreadCache* cache, nuint sizeClass)
    {
        ref Allowance allowance = ref ThreadCache.AllowanceOf(cache, sizeClass);
        Invariant.Assert(cache->Guard.IsHeld && ThreadCache.MagazineOf(cache, sizeClass).Count == 0, "A magazine that holds items earns capacity.");
        uint overflowedAt = allowance.OverflowedAt;
        allowance.OverflowedAt = 0;
        cache->Events++;
        if (!EnsureFirstSlots(cache, sizeClass) || overflowedAt == 0)
        {
            return;
        }

        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        SlabGeometry geometry = _depots[sizeClass].Geometry;
        int capacity = Math.Max(magazine.Capacity * 2, 1);
        bool isLong = !geometry.IsRun && geometry.BlockBytes >= RememberedBlockBytesMin && (ulong)capacity * geometry.BlockBytes <= Allowance.BytesRemembered;
        if (cache->Events - overflowedAt > (isLong ? Allowance.EventsRememberedShared : Allowance.EventsRemembered))
        {
            return;
        }

        ulong more = (ulong)(capacity - magazine.Capacity) * geometry.BlockBytes;
        cache->IsShortOfCapacity = cache->EarnedBytes + more > _options.ThreadCacheBytesMax;
        if (!cache->IsShortOfCapacity && TryEnsureSlots(cache, sizeClass, capacity))
        {
            SetCapacity(cache, sizeClass, capacity);
        }
    }

    /// <summary>
    /// Takes back what magazines earned that did not move since the last such look, a few at a time. Without it a thread that used many sizes once would have nothing left to earn for
    /// those that it uses now. Owner; no guard and no lock is held.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeBackCapacity(ThreadCache* cache, nuint wanting)
    {
        BlockFault fault = BlockFault.None;
        cache->IsShortOfCapacity = false;
        int looks = 0;
        for (int i = 0; i < SizeClass.Count && looks < LooksPerShortage; i++)
        {
            nuint sizeClass = cache->TakeBackFrom;
            cache->TakeBackFrom = (uint)(sizeClass + 1) % SizeClass.Count;
            Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
            if (sizeClass == wanting || magazine.Capacity <= _depots[sizeClass].Geometry.MagazineCapacityAtFirst)
            {
                continue;
            }

            looks++;
            ref Allowance allowance = ref ThreadCache.AllowanceOf(cache, sizeClass);
            uint position = (uint)magazine.Position;
            if (allowance.SeenAt == position)
            {
                fault = fault.Or(TakeBack(cache, sizeClass));
            }

            allowance.SeenAt = (uint)magazine.Position;
        }

        ReportIfFault(fault);
    }

    private BlockFault TakeBack(ThreadCache* cache, nuint sizeClass)
    {
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        cache->Guard.Enter();
        BlockFault fault = _depots[sizeClass].PutHome(magazine.Normalize());
        magazine.SetItems(0);
        SetCapacity(cache, sizeClass, _depots[sizeClass].Geometry.MagazineCapacityAtFirst);
        Invariant.Assert(cache->EarnedBytes <= _options.ThreadCacheBytesMax, $"A thread has earned {cache->EarnedBytes} bytes after it gave some back, of {_options.ThreadCacheBytesMax}.");
        Invariant.Assert(magazine.Count == 0, $"A magazine whose capacity was taken back has {magazine.Count} items.");
        cache->Guard.Exit();
        return fault;
    }

    private void SetCapacity(ThreadCache* cache, nuint sizeClass, int capacity)
    {
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        Invariant.Assert(
            cache->Guard.IsHeld && capacity >= 0 && capacity <= ThreadCache.AllowanceOf(cache, sizeClass).Slots,
            $"A magazine of {ThreadCache.AllowanceOf(cache, sizeClass).Slots} slots gets room for {capacity} items.");
        ulong blockBytes = _depots[sizeClass].Geometry.BlockBytes;
        cache->EarnedBytes += (ulong)(capacity - magazine.Capacity) * blockBytes;
        magazine.SetCapacity(capacity);
        Invariant.Assert(
            cache->EarnedBytes <= _options.ThreadCacheBytesMax,
            $"The magazines of a cache have earned {cache->EarnedBytes} bytes of {_options.ThreadCacheBytesMax}.");
    }

    /// <summary>Slots for the first capacity and for a batch.</summary>
    private bool EnsureFirstSlots(ThreadCache* cache, nuint sizeClass)
    {
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        if (magazine.HasSlots)
        {
            return true;
        }

        SlabGeometry geometry = _depots[sizeClass].Geometry;
        if (!TryEnsureSlots(cache, sizeClass, Math.Max(geometry.MagazineCapacityAtFirst, geometry.BatchCount)))
        {
            return false;
        }

        magazine.SetCapacity(geometry.MagazineCapacityAtFirst);
        return true;
    }

    /// <summary>Attaches more slots if there are too few; the old ones are left in the arena, all together never more than the new ones.</summary>
    private bool TryEnsureSlots(ThreadCache* cache, nuint sizeClass, int count)
    {
        ref Allowance allowance = ref ThreadCache.AllowanceOf(cache, sizeClass);
        if (allowance.Slots >= count)
        {
            return true;
        }

        nuint slots = count <= MagazineSlotsMax ? AllocMetadata(Magazine.SlotBytes(count)) : 0;
        if (slots == 0)
        {
            return false;
        }

        // Only ever called while the magazine is empty, or has no slots at all: nothing has to move.
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        Invariant.Assert(magazine.Count == 0, $"A magazine gets other slots and holds {magazine.Count} items.");
        magazine.Attach((void*)slots, magazine.HasSlots ? magazine.Capacity : 0);
        allowance.Slots = count;
        return true;
    }
}
