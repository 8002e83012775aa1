using System.Diagnostics;
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

    // A look may be wrong: pairs of allocation and free leave a magazine where it lay, and then the slab is made again, which calls for the next look. So looks get one part in so
    // many of a thread's time, and may be ahead of it by so many ticks; one that took longer than a look does was interrupted.
    private const int LookTimeDivisor = 16;
    private static readonly long s_lookTicksMax = Stopwatch.Frequency / 50_000;
    private static readonly long s_lookTicksAhead = Stopwatch.Frequency / 500 * LookTimeDivisor;

    /// <summary>A slab of the class was made, or a run. Owner of the cache; holds no guard and no lock.</summary>
    private void NoteGrowth(ThreadCache* cache, int sizeClass)
    {
        cache->GrownBytes += _depots[sizeClass].Geometry.Order.Bytes;
        if (cache->GrownBytes >= cache->GrownBytesMax)
        {
            LookForIdle(cache, sizeClass);
        }
    }

    private void LookForIdle(ThreadCache* cache, int growing)
    {
        long now = Stopwatch.GetTimestamp();
        if (cache->LooksPaidUntil - now > s_lookTicksAhead)
        {
            return;
        }

        GiveUpIdle(cache, growing);
        long took = Math.Min(Stopwatch.GetTimestamp() - now, s_lookTicksMax);
        cache->LooksPaidUntil = Math.Max(cache->LooksPaidUntil, now) + (took * LookTimeDivisor);
        cache->GrownBytes = 0;
        cache->GrownBytesMax = Math.Max(GrownBytesMin, SlabBytes() / GrownDivisor);
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
        cache->Guard.Exit();
        return fault;
    }
}
