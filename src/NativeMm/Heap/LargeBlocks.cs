using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// Blocks above all size classes: one mapping each, straight from the operating system. Freed ones stay mapped for a while, up to a bound, so
/// that a program that allocates and frees the same big buffer does not pay for a mapping and its page faults each time. Thread-safe.
/// </summary>
internal sealed class LargeBlocks(IMemoryPlatform platform, ulong retainBytesMax) : IDisposable
{
    private const int RetainedMax = 16;

    private readonly SleepLock _lock = new();
    private readonly AddressTable _live = new(platform);

    // Never longer than its first array, so that a free allocates nothing.
    private readonly List<Retained> _retained = new(RetainedMax);
    private ulong _liveBytes;
    private ulong _retainedBytes;

    /// <summary>Bytes in use, in whole pages, and how many blocks; bytes kept for reuse.</summary>
    public (ulong LiveBytes, long LiveBlocks, ulong RetainedBytes) Statistics
    {
        get
        {
            using (_lock.EnterScope())
            {
                return (_liveBytes, (long)_live.Count, _retainedBytes);
            }
        }
    }

    /// <summary>Allocates a block; false when the system refuses.</summary>
    public bool TryAlloc(nuint bytes, nuint alignment, bool zeroed, out nuint block)
    {
        alignment = Math.Max(alignment, platform.PageBytes);
        nuint rounded = RoundUp(bytes);
        block = 0;
        if (rounded < bytes)
        {
            return false;
        }

        if (!TryReuse(rounded, alignment, zeroed, out block, out nuint length))
        {
            length = rounded;
            if (!platform.Reserve(length, alignment, out block).Succeeded)
            {
                return false;
            }
        }

        using (_lock.EnterScope())
        {
            if (_live.TryAdd(block, length))
            {
                _liveBytes += length;
                return true;
            }
        }

        MustRelease(block, length);
        block = 0;
        return false;
    }

    /// <summary>Frees a block; false when none begins there.</summary>
    public bool TryFree(nuint block)
    {
        Retained evicted = default;
        using (_lock.EnterScope())
        {
            if (!_live.TryRemove(block, out nuint bytes))
            {
                return false;
            }

            _liveBytes -= bytes;
            var freed = new Retained(block, bytes, Environment.TickCount64);
            evicted = bytes <= retainBytesMax ? RetainLocked(freed) : freed;
        }

        if (evicted.Bytes != 0)
        {
            MustRelease(evicted.Address, evicted.Bytes);
        }

        ReleaseRetained(keepBytes: retainBytesMax, freedBefore: long.MinValue);
        return true;
    }

    /// <summary>Grows or shrinks a block by remapping it; false when the system cannot, and nothing has changed.</summary>
    public bool TryResize(nuint block, nuint bytes, out nuint moved)
    {
        moved = 0;
        nuint rounded = RoundUp(bytes);
        if (rounded < bytes || (platform.Capabilities & PlatformCapabilities.Remap) == 0)
        {
            return false;
        }

        using (_lock.EnterScope())
        {
            nuint old = _live.BytesOf(block);
            if (old == 0 || !platform.Resize(block, old, rounded, out moved).Succeeded)
            {
                return false;
            }

            // The place of the one is there for the other.
            _live.TryRemove(block, out _);
            _live.TryAdd(moved, rounded);
            _liveBytes += rounded - (ulong)old;
            return true;
        }
    }

    /// <summary>Bytes of the block that begins there; 0 when none does.</summary>
    public nuint BytesOf(nuint block)
    {
        using (_lock.EnterScope())
        {
            return _live.BytesOf(block);
        }
    }

    /// <summary>Start of the live block that an address lies in; 0 when it lies in none. Looks at every block: for error messages only.</summary>
    public nuint StartOf(nuint address)
    {
        using (_lock.EnterScope())
        {
            nuint position = 0;
            while (_live.TryNext(ref position, out nuint start, out nuint bytes))
            {
                if (address - start < bytes)
                {
                    return start;
                }
            }
        }

        return 0;
    }

    /// <summary>Gives retained blocks back to the operating system.</summary>
    /// <param name="freedBefore">Only those freed before that moment, in ticks of <see cref="Environment.TickCount64"/>.</param>
    /// <returns>Bytes given back.</returns>
    public ulong Trim(long freedBefore) => ReleaseRetained(keepBytes: ulong.MaxValue, freedBefore);

    /// <summary>Gives everything back, live blocks as well.</summary>
    public void Dispose()
    {
        Trim(long.MaxValue);
        using (_lock.EnterScope())
        {
            nuint position = 0;
            while (_live.TryNext(ref position, out nuint block, out nuint bytes))
            {
                MustRelease(block, bytes);
            }

            _live.Dispose();
            _liveBytes = 0;
        }
    }

    /// <summary>Keeps a block for reuse.</summary>
    /// <returns>The oldest that was kept, which made room for it; of no bytes when there was room.</returns>
    private Retained RetainLocked(Retained freed)
    {
        Retained evicted = _retained.Count == RetainedMax ? TakeOldestLocked() : default;
        _retained.Add(freed);
        _retainedBytes += freed.Bytes;
        return evicted;
    }

    private Retained TakeOldestLocked()
    {
        Retained oldest = _retained[0];
        _retained.RemoveAt(0);
        _retainedBytes -= oldest.Bytes;
        return oldest;
    }

    private bool TryReuse(nuint bytes, nuint alignment, bool zeroed, out nuint block, out nuint length)
    {
        block = 0;
        length = 0;
        using (_lock.EnterScope())
        {
            int best = FindBest(bytes, alignment);
            if (best < 0)
            {
                return false;
            }

            block = _retained[best].Address;
            length = _retained[best].Bytes;
            _retained.RemoveAt(best);
            _retainedBytes -= length;
        }

        if (!zeroed || TryMakeZero(block, length))
        {
            return true;
        }

        MustRelease(block, length);
        return false;
    }

    /// <summary>The smallest retained block that is large enough, aligned, and at most a quarter larger than needed.</summary>
    private int FindBest(nuint bytes, nuint alignment)
    {
        int best = -1;
        for (int i = 0; i < _retained.Count; i++)
        {
            Retained candidate = _retained[i];
            if (candidate.Bytes >= bytes && candidate.Bytes - bytes <= bytes / 4 && (candidate.Address & (alignment - 1)) == 0
                && (best < 0 || candidate.Bytes < _retained[best].Bytes))
            {
                best = i;
            }
        }

        return best;
    }

    private bool TryMakeZero(nuint block, nuint bytes) =>
        (platform.Capabilities & PlatformCapabilities.DiscardZeroes) != 0 && platform.Discard(block, bytes, DiscardMode.Now).Succeeded;

    private ulong ReleaseRetained(ulong keepBytes, long freedBefore)
    {
        ulong released = 0;
        while (true)
        {
            Retained oldest;
            using (_lock.EnterScope())
            {
                if (_retained.Count == 0 || (_retainedBytes <= keepBytes && _retained[0].FreedAt >= freedBefore))
                {
                    return released;
                }

                oldest = TakeOldestLocked();
            }

            MustRelease(oldest.Address, oldest.Bytes);
            released += oldest.Bytes;
        }
    }

    private void MustRelease(nuint block, nuint bytes)
    {
        PlatformResult result = platform.Release(block, bytes);
        Diagnostics.Invariant.Check(result.Succeeded, $"The platform refused to release a large block: {result}.");
    }

    private nuint RoundUp(nuint bytes) => (bytes + platform.PageBytes - 1) & ~(platform.PageBytes - 1);

    private readonly record struct Retained(nuint Address, nuint Bytes, long FreedAt);
}
