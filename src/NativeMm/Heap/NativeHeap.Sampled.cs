using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Heap.Sampled;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Sampled guards: what is off the hit path anyway asks whether an allocation is to be guarded.</content>
public sealed unsafe partial class NativeHeap
{
    private readonly SampledGuards? _sampled;

    /// <summary>Whether some blocks are guarded, and of the size that was asked for.</summary>
    internal bool IsSampled => _sampled is not null;
    private uint _classToCall;

    /// <summary>After a refill: hands out the block that came of it, or a guarded one in its place.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocSampled(ThreadCache* cache, nuint sizeClass, nuint byteCount, nuint block, int count)
    {
        nuint blockBytes = _depots[sizeClass].Geometry.BlockBytes;
        if (block == 0 || !SampledGuards.Fits(blockBytes) || !_sampled!.IsDue(count))
        {
            return (void*)block;
        }

        // As the class aligns: whoever asked for an alignment chose the class for it.
        nuint alignment = blockBytes & (~blockBytes + 1);
        if (!_sampled.TryAlloc(Math.Max(byteCount, 1), alignment, out nuint guarded))
        {
            return (void*)block;
        }

        Invariant.Assert(!_space.Contains(guarded) && (guarded & (alignment - 1)) == 0, $"A guarded block at 0x{guarded:x} lies in the zone, or at no multiple of {alignment}.");
        if (!ThreadCache.MagazineOf(cache, sizeClass).TryPush(block))
        {
            FreeRest((void*)block);
        }

        return (void*)guarded;
    }

    /// <summary>Frees what lies outside of the zone: a guarded or a large block.</summary>
    private bool TryFreeOutside(nuint block)
    {
        Invariant.Assert(!_space.Contains(block), $"A block of the zone at 0x{block:x} is freed as one outside of it.");

        // Before the block is free: the next one to get its address may be a sample too.
        _profile?.Remove(block);
        return (_sampled is not null && _sampled.TryFree(block)) || _large.TryFree(block);
    }

    /// <summary>Bytes of a block outside of the zone; 0 when none begins there.</summary>
    private nuint BytesOutside(nuint address)
    {
        Invariant.Assert(!_space.Contains(address), $"An address of the zone, 0x{address:x}, is looked for outside of it.");
        nuint guarded = _sampled is null ? 0 : _sampled.BytesOf(address);
        return guarded != 0 ? guarded : _large.BytesOf(address);
    }

    /// <summary>
    /// A thread whose allocations all hit never asks. So a pass empties one magazine of each cache, of another class each time, and the thread's
    /// next allocation of that class comes by. Under the upkeep lock.
    /// </summary>
    private void CallForSamples()
    {
        if (_sampled is null && _profile is null)
        {
            return;
        }

        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread, "Magazines are emptied without the upkeep lock.");
        _sampled?.CallForRefills();
        _classToCall++;
        ThreadCache* cache;
        for (int i = 0; (cache = _caches.At(i)) != null; i++)
        {
            EmptyOneMagazine(cache, _classToCall);
        }
    }

    private void EmptyOneMagazine(ThreadCache* cache, uint from)
    {
        if (!cache->Guard.TryEnter())
        {
            return;
        }

        BlockFault fault = BlockFault.None;
        for (uint i = 0; i < SizeClass.Count; i++)
        {
            nuint sizeClass = (from + i) % SizeClass.Count;
            Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
            if (magazine.Count > 0 && SampledGuards.Fits(_depots[sizeClass].Geometry.BlockBytes))
            {
                MagazineTheft theft = magazine.StealBegin();
                Atomic.ProcessWideFence();
                fault = _depots[sizeClass].PutHome(magazine.StealEnd(theft));
                break;
            }
        }

        cache->Guard.Exit();
        ReportIfFault(fault);
    }
}
