using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>The end: the pages of all blocks may go first, in steps and by several threads; then the addresses go, neighbours together.</content>
internal sealed partial class LargeBlocks
{
    // What one call takes of blocks that still have their pages, beside a single larger one: for about a millisecond nobody can change the map of the process.
    private const nuint RunWithPagesBytesMax = 8 << 20;

    private bool _pagesAreGone;

    /// <summary>Places that <see cref="RangeAt"/> is asked for: what is kept for reuse, then the slots of the table. Fixed once nobody uses the blocks.</summary>
    public uint Places => RetainedRanges.CountMax + (uint)_blocks.Capacity;

    /// <summary>Bytes of all blocks, and of what is kept for reuse. Without the lock: of two moments while others use the blocks.</summary>
    public ulong MappedBytes => Atomic.LoadRelaxed(in _liveBytes) + _retained.Bytes;

    /// <summary>A range that has pages, or nothing. What the system did not take before has none any more.</summary>
    public AddressRange RangeAt(uint place)
    {
        Invariant.Assert(place < Places, $"Place {place} of {Places} is asked for.");
        (nuint address, nuint bytes) = place < RetainedRanges.CountMax ? _retained.At((int)place) : _blocks.At(place - RetainedRanges.CountMax);
        return (bytes & KeptMark) == 0 ? new AddressRange(address, bytes) : default;
    }

    /// <summary>The pages of all <see cref="Places"/> went back: what follows takes addresses alone.</summary>
    public void NotePagesGone() => _pagesAreGone = true;

    /// <summary>
    /// Gives everything back, live blocks as well. Blocks that lie side by side go with one call, where the platform takes pieces: thousands of them, one by one and in any
    /// order, would cut the system's areas into as many, of which a process may have so many only.
    /// </summary>
    public void Dispose()
    {
        Trim(long.MaxValue);
        using (_lock.EnterScope())
        {
            Invariant.Assert(_retained.Bytes == 0 && _leavingBytes == 0, $"{_retained.Bytes} bytes were freed while a heap was ending, and {_leavingBytes} are on their way.");
            nuint count = _blocks.Sort();
            for (nuint first = 0; first < count;)
            {
                nuint end = EndOfRun(first, count, out nuint bytes);
                ReleaseRun(first, end, bytes);
                first = end;
            }

            _blocks.Dispose();
            _liveBytes = 0;
            _kept = 0;
        }
    }

    private (nuint Address, nuint Bytes) BlockAt(nuint slot)
    {
        (nuint address, nuint bytes) = _blocks.At(slot);
        return (address, bytes & ~KeptMark);
    }

    /// <summary>Finds how many blocks, in their order, one call takes.</summary>
    private nuint EndOfRun(nuint first, nuint count, out nuint bytes)
    {
        Invariant.Assert(first < count && _lock.IsHeldByCurrentThread, $"Block {first} of {count} is given back, or without the lock.");
        (nuint address, bytes) = BlockAt(first);
        nuint end = first + 1;
        while (end < count && (_platform.Capabilities & PlatformCapabilities.Pieces) != 0)
        {
            (nuint next, nuint more) = BlockAt(end);
            if (next != address + bytes || (!_pagesAreGone && bytes + more > RunWithPagesBytesMax))
            {
                break;
            }

            bytes += more;
            end++;
        }

        return end;
    }

    /// <summary>Whatever the system does not take keeps its addresses until the process ends, but not its memory.</summary>
    private void ReleaseRun(nuint first, nuint end, nuint bytes)
    {
        (nuint address, _) = BlockAt(first);
        Invariant.Assert(bytes != 0 && end > first, $"{end - first} blocks of {bytes} bytes at 0x{address:x} are given back together.");
        if (_platform.Release(address, bytes).Succeeded)
        {
            return;
        }

        for (nuint slot = first; slot < end; slot++)
        {
            (nuint block, nuint length) = BlockAt(slot);
            if (end - first == 1 || !_platform.Release(block, length).Succeeded)
            {
                _ = _platform.Discard(block, length, DiscardMode.Now);
            }
        }
    }
}
