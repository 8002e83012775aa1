using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>
/// What a thread holds of sizes that it does not use any more, looked at when it makes slabs. A trim pass finds that too, but a program that passes through its sizes faster than
/// passes come would be as large by then as all of them together.
/// </content>
public sealed unsafe partial class NativeHeap
{
    private const ulong GrownBytesMin = 64 << 10;

    // A thread looks when it made slabs of this part of the heap, one in so many.
    private const ulong GrownDivisor = 32;

    /// <summary>A slab of the class was made, or a run. Owner of the cache; holds no guard and no lock.</summary>
    private void NoteGrowth(ThreadCache* cache, int sizeClass)
    {
        Invariant.Assert(cache->Tag == _tag && (uint)sizeClass < SizeClass.Count, $"Class {sizeClass} grew, or in another heap.");
        cache->GrownBytes += _depots[sizeClass].Geometry.Order.Bytes;
        if (cache->GrownBytes >= cache->GrownBytesMax)
        {
            LookForIdle(cache, sizeClass);
        }
    }

    /// <summary>
    /// A look may be wrong: pairs of allocation and free leave a magazine where it lay, and then the slab is made again, which calls for the next look. So looks have a pace.
    /// </summary>
    private void LookForIdle(ThreadCache* cache, int growing)
    {
        long begin = ThreadScheduling.ElapsedNanoseconds;
        if (!MayLook(cache, begin))
        {
            return;
        }

        GiveUpIdle(cache, growing);
        Invariant.Assert(cache->GrownBytes >= cache->GrownBytesMax, $"A look is due after {cache->GrownBytesMax} bytes, and comes after {cache->GrownBytes}.");
        cache->GrownBytes = 0;
        cache->GrownBytesMax = Math.Max(GrownBytesMin, SlabBytes() / GrownDivisor);
        cache->LooksPaidUntil = LookPace.Pay(cache->LooksPaidUntil, cache->CpuSeen, ThreadScheduling.ElapsedNanoseconds - begin);
    }

    /// <summary>
    /// The system is asked for the processor time only when what is known of it does not allow a look and enough time has elapsed since: its answer costs more than a slab.
    /// </summary>
    private static bool MayLook(ThreadCache* cache, long elapsed)
    {
        if (LookPace.Wait(cache->LooksPaidUntil, cache->CpuSeen) <= 0)
        {
            return true;
        }

        if (elapsed < cache->NoLookUntil)
        {
            return false;
        }

        cache->CpuSeen = ThreadScheduling.CpuNanoseconds;
        long wait = LookPace.Wait(cache->LooksPaidUntil, cache->CpuSeen);
        cache->NoLookUntil = elapsed + wait;
        return wait <= 0;
    }

    /// <summary>
    /// Sends home what lies in magazines that did not move since the last look, and the batches of their sizes. The slabs that become whole so are the next ones of any size.
    /// </summary>
    private void GiveUpIdle(ThreadCache* cache, int growing)
    {
        BlockFault fault = BlockFault.None;
        for (int sizeClass = 0; sizeClass < SizeClass.Count; sizeClass++)
        {
            int count = ThreadCache.MagazineOf(cache, (nuint)sizeClass).Count;
            if (ThreadCache.RestsSinceGrowth(cache, sizeClass) && count != 0 && sizeClass != growing && _depots[sizeClass].WouldFreeSlabs(count))
            {
                fault = fault.Or(SendHome(cache, (nuint)sizeClass));
            }
        }

        ReportIfFault(fault);
    }

    private BlockFault SendHome(ThreadCache* cache, nuint sizeClass)
    {
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        cache->Guard.Enter();
        BlockFault fault = _depots[sizeClass].PutAllHome(magazine.Normalize());
        magazine.SetItems(0);
        Invariant.Assert(cache->Guard.IsHeld && magazine.Count == 0, $"A magazine that was sent home has {magazine.Count} items, or its guard is free.");
        cache->Guard.Exit();
        return fault;
    }
}
