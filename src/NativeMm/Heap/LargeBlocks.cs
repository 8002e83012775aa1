using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Heap;

/// <summary>
/// Blocks above all size classes: straight from the operating system. Freed ones stay mapped for a while, up to a bound, so that a program that
/// allocates and frees big buffers does not pay for a mapping and its page faults each time. Thread-safe.
/// </summary>
/// <remarks>
/// The system may refuse to take a mapping back, when it would have to cut one in two and the process has as many as it may have. Such a block is
/// kept without its content, in the table of blocks under a mark of its own, until the system takes it or somebody needs one like it.
/// </remarks>
internal sealed unsafe partial class LargeBlocks : IDisposable
{
    // Lengths are whole pages, so that their lowest bit is free to say that nobody has the block.
    private const nuint KeptMark = 1;

    // A block that grows gets room for this part of its size at least, so that growing by small steps does not move it each time: one in so many.
    private const int GrowthDivisor = 8;

    private readonly IMemoryPlatform _platform;
    private readonly PageRelease? _pages;
    private readonly IRoomKeeper? _room;
    private readonly ulong _retainBytesMax;
    private readonly ulong _retainTouchedBytesMax;
    private SleepLock _lock;
    private readonly AddressTable _blocks;
    private readonly RetainedRanges _retained;
    private RetainWindow _window;
    private ulong _liveBytes;

    // Freed, and on their way to the system: in use until it has them.
    private ulong _leavingBytes;
    private long _kept;
    private nuint _keptCursor;

    /// <summary>Makes an empty set.</summary>
    /// <param name="platform">Where the memory comes from.</param>
    /// <param name="retainBytesMax">Most bytes that stay mapped for reuse; <see cref="RetainWindow"/> says when it is less.</param>
    /// <param name="pages">Who gives the pages of very large blocks back before their addresses go; null for one call that takes both.</param>
    /// <param name="room">Who is asked for room before a block is mapped or grows; null for nobody.</param>
    /// <param name="retainTouchedBytesMax">Most bytes that are kept as they are. What is kept beyond is the system's to take when it lacks memory.</param>
    public LargeBlocks(
        IMemoryPlatform platform, ulong retainBytesMax, PageRelease? pages = null, IRoomKeeper? room = null, ulong retainTouchedBytesMax = ulong.MaxValue)
    {
        _platform = platform;
        _pages = pages;
        _room = room;
        _blocks = new AddressTable(platform);
        _retained = new RetainedRanges((platform.Capabilities & PlatformCapabilities.Pieces) != 0);

        // Whole pages, and no more than asked for.
        _retainBytesMax = retainBytesMax & ~((ulong)platform.PageBytes - 1);
        _retainTouchedBytesMax = retainTouchedBytesMax;
    }

    /// <summary>Bytes in use, or freed and not back yet, in whole pages; how many blocks are in use; bytes kept for reuse.</summary>
    public (ulong LiveBytes, long LiveBlocks, ulong RetainedBytes) Statistics
    {
        get
        {
            using (_lock.EnterScope())
            {
                return (_liveBytes + _leavingBytes, (long)_blocks.Count - _kept, _retained.Bytes);
            }
        }
    }

    /// <summary>What may be kept now. Under the lock.</summary>
    private ulong RetainBytesMax => _window.BoundOf(_liveBytes, _retainBytesMax);

    /// <inheritdoc cref="TryAlloc(nuint, nuint, bool, out nuint, out nuint)"/>
    public bool TryAlloc(nuint bytes, nuint alignment, bool zeroed, out nuint block) => TryAlloc(bytes, alignment, zeroed, out block, out _);

    /// <summary>Allocates a block; false when the system refuses.</summary>
    /// <param name="bytes">What is asked for.</param>
    /// <param name="alignment">What its address must be a multiple of.</param>
    /// <param name="zeroed">Whether it must read as zero.</param>
    /// <param name="block">Its address.</param>
    /// <param name="length">Its length: whole pages, and up to a quarter more than asked for when it was used before.</param>
    public bool TryAlloc(nuint bytes, nuint alignment, bool zeroed, out nuint block, out nuint length)
    {
        alignment = Math.Max(alignment, _platform.PageBytes);
        nuint rounded = RoundUp(bytes);
        (block, length) = (0, 0);
        if (rounded < bytes || rounded > MachineMemory.BlockBytesMax)
        {
            return false;
        }

        if (TryReuse(rounded, alignment, zeroed, out block, out length))
        {
            Invariant.Assert(
                (block & (alignment - 1)) == 0 && length >= rounded,
                $"A large block of {length} bytes at 0x{block:x} is used again for {rounded} at a multiple of {alignment}.");
            return true;
        }

        // One that stands in for a block of a size class may be asked for where nobody can be waited for.
        IRoomKeeper? room = rounded > SizeClass.BytesMax ? _room : null;
        bool isNew = TryGrowRetained(rounded, alignment, zeroed, room, out block) || TryMap(rounded, alignment, room, out block);
        length = isNew ? rounded : 0;
        return isNew;
    }

    private bool TryMap(nuint length, nuint alignment, IRoomKeeper? room, out nuint block)
    {
        room?.MakeRoom(length);
        bool isMapped = _platform.Reserve(length, alignment, out block).Succeeded;
        Invariant.Assert(!isMapped || (block & (alignment - 1)) == 0, $"A large block at 0x{block:x} is handed out for a multiple of {alignment}.");
        isMapped = isMapped && TryEnter(block, length, left: 0);
        room?.NoteTaken(length);
        block = isMapped ? block : 0;
        return isMapped;
    }

    /// <summary>Enters what was mapped as a block in use. What is kept for a burst goes as that comes; without memory for the entry, so does the block.</summary>
    /// <param name="block">Its address.</param>
    /// <param name="length">Its length.</param>
    /// <param name="left">How many bytes of it count as leaving.</param>
    private bool TryEnter(nuint block, nuint length, nuint left)
    {
        bool isEntered;
        ulong keep;
        bool isSurplus;
        using (_lock.EnterScope())
        {
            Invariant.Assert(left <= _leavingBytes, $"{left} bytes are used again, of {_leavingBytes} on their way.");
            _leavingBytes -= left;
            isEntered = TryAddLive(block, length);
            keep = RetainBytesMax;
            isSurplus = _retained.Bytes > keep;
        }

        if (isSurplus)
        {
            ReleaseRetained(keep, freedBefore: long.MinValue);
        }

        if (!isEntered)
        {
            Release(block, length);
        }

        return isEntered;
    }

    /// <summary>Frees a block; false when none begins there.</summary>
    public bool TryFree(nuint block)
    {
        nuint bytes;
        bool isRetained;
        bool isSurplus;
        bool isLazy;
        ulong keep;
        nuint evicted = 0;
        nuint evictedBytes = 0;
        using (_lock.EnterScope())
        {
            if (!_blocks.TryRemove(block, unlessMarked: KeptMark, out bytes))
            {
                return false;
            }

            Invariant.Assert(bytes <= _liveBytes, $"The large block at 0x{block:x} has {bytes} bytes, of {_liveBytes} in use.");
            _liveBytes -= bytes;
            keep = RetainBytesMax;
            bool fits = bytes <= keep;
            isLazy = fits && _retained.Bytes + bytes > _retainTouchedBytesMax;
            isRetained = fits && !isLazy;
            if (isRetained)
            {
                if (_retained.IsFull)
                {
                    _retained.TryTakeSurplus(0, long.MaxValue, out evicted, out evictedBytes);
                    _window.NoteKept(_retained.Bytes);
                }

                _retained.Add(block, bytes, Environment.TickCount64);
            }
            else
            {
                _leavingBytes += bytes;
            }

            isSurplus = _retained.Bytes > keep;
            AssertWhole();
        }

        if (!isRetained && !(isLazy && TryRetainLazily(block, bytes)))
        {
            ReleaseFreed(block, bytes);
        }

        if (evictedBytes != 0)
        {
            Release(evicted, evictedBytes);
        }

        if (isSurplus)
        {
            ReleaseRetained(keep, freedBefore: long.MinValue);
        }

        return true;
    }

    /// <summary>Bytes of the block that begins there; 0 when none does.</summary>
    public nuint BytesOf(nuint block)
    {
        using (_lock.EnterScope())
        {
            return LiveBytesOf(block);
        }
    }

    /// <summary>Start of the live block that an address lies in; 0 when it lies in none. Looks at every block: for error messages only.</summary>
    public nuint StartOf(nuint address)
    {
        using (_lock.EnterScope())
        {
            nuint position = 0;
            while (_blocks.TryNext(ref position, out nuint start, out nuint bytes))
            {
                if ((bytes & KeptMark) == 0 && address - start < bytes)
                {
                    return start;
                }
            }
        }

        return 0;
    }

    /// <summary>Gives retained blocks back to the operating system, and those that it did not take before.</summary>
    /// <param name="freedBefore">
    /// Only those freed before that moment, in ticks of <see cref="Environment.TickCount64"/>, and of the others as much as nobody needed since: neighbours that join are as old as the youngest.
    /// </param>
    /// <returns>Bytes given back.</returns>
    public ulong Trim(long freedBefore)
    {
        ulong keep;
        using (_lock.EnterScope())
        {
            ulong unneeded = _window.Turn(freedBefore, Environment.TickCount64, _liveBytes, _retained.Bytes);
            keep = ulong.Min(_retained.Bytes - unneeded, RetainBytesMax);
        }

        ulong released = ReleaseRetained(keep, freedBefore);
        while (TryTakeAnyKept(out nuint block, out nuint bytes) && Release(block, bytes))
        {
            // What the system took now was counted when its content went.
        }

        return released;
    }

    /// <summary>Enters a block as one in use; false when there is no memory for it. Under the lock.</summary>
    private bool TryAddLive(nuint block, nuint length)
    {
        if (!_blocks.TryAdd(block, length))
        {
            return false;
        }

        _liveBytes += length;
        _window.NoteLive(_liveBytes);
        AssertWhole();
        return true;
    }

    private nuint LiveBytesOf(nuint block)
    {
        Invariant.Assert(_lock.IsHeldByCurrentThread, "A large block is looked for without the lock.");
        nuint bytes = _blocks.BytesOf(block);
        return (bytes & KeptMark) == 0 ? bytes : 0;
    }

    private void ReleaseFreed(nuint block, nuint bytes)
    {
        Release(block, bytes);
        using (_lock.EnterScope())
        {
            Invariant.Assert(bytes <= _leavingBytes, $"{bytes} bytes are back, of {_leavingBytes} on their way.");
            _leavingBytes -= bytes;
        }
    }

    /// <summary>Gives a range back, or keeps it when the system refuses.</summary>
    /// <returns>Whether the system took it.</returns>
    private bool Release(nuint block, nuint bytes)
    {
        Invariant.Assert(block != 0 && bytes != 0 && bytes % _platform.PageBytes == 0 && !_lock.IsHeldByCurrentThread, $"{bytes} bytes at 0x{block:x} go to the system, or under the lock.");
        if (!_pagesAreGone && _pages?.IsWorth(bytes) == true)
        {
            _pages.Release(block, bytes);
        }

        if (_platform.Release(block, bytes).Succeeded)
        {
            return true;
        }

        _ = _platform.Discard(block, bytes, DiscardMode.Now);
        using (_lock.EnterScope())
        {
            // Without a place in the table, for which there is no memory at such a moment, the addresses are lost until the process ends.
            if (_blocks.TryAdd(block, bytes | KeptMark))
            {
                _kept++;
            }

            AssertWhole();
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AssertWhole()
    {
        if (Invariant.AreAsserted)
        {
            CheckWhole();
        }
    }

    /// <summary>What holds when the lock is given up.</summary>
    private void CheckWhole()
    {
        ulong pageMask = (ulong)_platform.PageBytes - 1;
        Invariant.Check(_lock.IsHeldByCurrentThread, "The large blocks are changed without their lock.");
        Invariant.Check(_kept >= 0 && (ulong)_kept <= _blocks.Count, $"{_kept} of {_blocks.Count} large blocks are kept.");
        Invariant.Check((_liveBytes & pageMask) == 0 && (_retained.Bytes & pageMask) == 0, $"{_liveBytes} bytes in use and {_retained.Bytes} retained are no whole pages.");
        Invariant.Check((_liveBytes != 0) == (_blocks.Count != (nuint)_kept), $"{_liveBytes} bytes are in use, in {_blocks.Count} blocks of which {_kept} are kept.");
    }

    private nuint RoundUp(nuint bytes) => (bytes + _platform.PageBytes - 1) & ~(_platform.PageBytes - 1);
}
