using NativeMm.Platform;

namespace NativeMm.Heap;

/// <summary>
/// Blocks above all size classes: one mapping each, straight from the operating system. Freed ones stay mapped for a while, up to a bound, so
/// that a program that allocates and frees the same big buffer does not pay for a mapping and its page faults each time. Thread-safe.
/// </summary>
internal sealed class LargeBlocks(IMemoryPlatform platform, ulong retainBytesMax) : IDisposable
{
    private const int RetainedMax = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<nuint, nuint> _live = [];
    private readonly List<Retained> _retained = [];
    private ulong _liveBytes;
    private ulong _retainedBytes;

    /// <summary>Bytes in use, in whole pages, and how many blocks; bytes kept for reuse.</summary>
    public (ulong LiveBytes, long LiveBlocks, ulong RetainedBytes) Statistics
    {
        get
        {
            lock (_lock)
            {
                return (_liveBytes, _live.Count, _retainedBytes);
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

        lock (_lock)
        {
            _live.Add(block, length);
            _liveBytes += length;
        }

        return true;
    }

    /// <summary>Frees a block; false when none begins there.</summary>
    public bool TryFree(nuint block)
    {
        nuint bytes;
        lock (_lock)
        {
            if (!_live.Remove(block, out bytes))
            {
                return false;
            }

            _liveBytes -= bytes;
            if (bytes <= retainBytesMax)
            {
                _retained.Add(new Retained(block, bytes, Environment.TickCount64));
                _retainedBytes += bytes;
                bytes = 0;
            }
        }

        if (bytes != 0)
        {
            MustRelease(block, bytes);
        }

        ReleaseRetained(keepBytes: retainBytesMax, keepCount: RetainedMax, freedBefore: long.MinValue);
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

        lock (_lock)
        {
            if (!_live.TryGetValue(block, out nuint old) || !platform.Resize(block, old, rounded, out moved).Succeeded)
            {
                return false;
            }

            _live.Remove(block);
            _live.Add(moved, rounded);
            _liveBytes += rounded - (ulong)old;
            return true;
        }
    }

    /// <summary>Bytes of the block that begins there; 0 when none does.</summary>
    public nuint BytesOf(nuint block)
    {
        lock (_lock)
        {
            return _live.GetValueOrDefault(block);
        }
    }

    /// <summary>Start of the live block that an address lies in; 0 when it lies in none. Looks at every block: for error messages only.</summary>
    public nuint StartOf(nuint address)
    {
        lock (_lock)
        {
            foreach ((nuint start, nuint bytes) in _live)
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
    public ulong Trim(long freedBefore) => ReleaseRetained(keepBytes: ulong.MaxValue, keepCount: int.MaxValue, freedBefore);

    /// <summary>Gives everything back, live blocks as well.</summary>
    public void Dispose()
    {
        Trim(long.MaxValue);
        lock (_lock)
        {
            foreach ((nuint block, nuint bytes) in _live)
            {
                MustRelease(block, bytes);
            }

            _live.Clear();
            _liveBytes = 0;
        }
    }

    private bool TryReuse(nuint bytes, nuint alignment, bool zeroed, out nuint block, out nuint length)
    {
        block = 0;
        length = 0;
        lock (_lock)
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

    private ulong ReleaseRetained(ulong keepBytes, int keepCount, long freedBefore)
    {
        ulong released = 0;
        while (true)
        {
            Retained oldest;
            lock (_lock)
            {
                if (_retained.Count == 0 || (_retainedBytes <= keepBytes && _retained.Count <= keepCount && _retained[0].FreedAt >= freedBefore))
                {
                    return released;
                }

                oldest = _retained[0];
                _retained.RemoveAt(0);
                _retainedBytes -= oldest.Bytes;
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
