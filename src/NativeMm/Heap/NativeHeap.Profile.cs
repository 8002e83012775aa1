using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Heap.Profile;

namespace NativeMm.Heap;

/// <content>The profile: what is off the hit path anyway asks whether an allocation is a sample.</content>
public sealed unsafe partial class NativeHeap
{
    private readonly HeapProfile? _profile;

    /// <summary>
    /// After a refill: hands out the block that came of it, or, for a sample, one outside of the zone, whose free is seen. The refill stands for as many
    /// allocations as it brought blocks.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocProfiled(ThreadCache* cache, nuint sizeClass, nuint block, int count)
    {
        nuint blockBytes = _depots[sizeClass].Geometry.BlockBytes;
        long due = _profile!.Due((double)blockBytes * Math.Max(count, 1));
        if (due == 0)
        {
            return (void*)block;
        }

        // As the class aligns: whoever asked for an alignment chose the class for it.
        nuint alignment = blockBytes & (~blockBytes + 1);
        if (!_profile.HasRoom || !_large.TryAlloc(blockBytes, alignment, zeroed: false, out nuint sample))
        {
            _profile.Skip(due);
            return (void*)block;
        }

        Invariant.Assert(!_space.Contains(sample) && (sample & (alignment - 1)) == 0, $"A sample at 0x{sample:x} lies in the zone, or at no multiple of {alignment}.");
        _profile.Add(sample, blockBytes, due, isSmall: true, _tag);
        if (!ThreadCache.MagazineOf(cache, sizeClass).TryPush(block))
        {
            FreeRest((void*)block);
        }

        return (void*)sample;
    }

    /// <summary>A large block stands for itself, and is a sample mostly.</summary>
    private void ProfileLarge(nuint block, nuint bytes)
    {
        if (_profile is not null && _profile.Due(bytes) is var due and > 0)
        {
            _profile.Add(block, bytes, due, isSmall: false, _tag);
        }
    }

    /// <summary>A block of at least <see cref="UntouchedBytesMin"/> that is to read as zero and does not come from a refill: null unless it is a sample.</summary>
    private void* TryAllocProfiledZeroed(nuint blockBytes)
    {
        long due = _profile is null ? 0 : _profile.Due(blockBytes);
        if (due == 0)
        {
            return null;
        }

        if (!_profile!.HasRoom || !_large.TryAlloc(blockBytes, blockBytes & (~blockBytes + 1), zeroed: true, out nuint sample))
        {
            _profile.Skip(due);
            return null;
        }

        _profile.Add(sample, blockBytes, due, isSmall: true, _tag);
        return (void*)sample;
    }

    /// <summary>Resizes a large block; a sample keeps what it stands for.</summary>
    private bool TryResizeLarge(nuint block, nuint bytes, out nuint moved)
    {
        Invariant.Assert(!_space.Contains(block), $"A block of the zone at 0x{block:x} is resized as a large one.");
        ProfileSample? sample = _profile?.Take(block);
        bool resized = _large.TryResize(block, bytes, out moved);
        if (sample is { } live)
        {
            _profile!.Put(resized ? moved : block, live);
        }

        return resized;
    }
}
