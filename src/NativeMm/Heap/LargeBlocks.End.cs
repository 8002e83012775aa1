using NativeMm.Platform;

namespace NativeMm.Heap;

/// <content>The end: the pages of all blocks may go first, in steps and by several threads; then the addresses go, one by one.</content>
internal sealed partial class LargeBlocks
{
    private bool _pagesAreGone;

    /// <summary>Places that <see cref="RangeAt"/> is asked for: what is kept for reuse, then the slots of the table. Fixed once nobody uses the blocks.</summary>
    public uint Places => RetainedRanges.CountMax + (uint)_blocks.Capacity;

    /// <summary>Bytes of all blocks, and of what is kept for reuse.</summary>
    public ulong MappedBytes
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _liveBytes + _retained.Bytes;
            }
        }
    }

    /// <summary>A range that has pages, or nothing. What the system did not take before has none any more.</summary>
    public AddressRange RangeAt(uint place)
    {
        (nuint address, nuint bytes) = place < RetainedRanges.CountMax ? _retained.At((int)place) : _blocks.At(place - RetainedRanges.CountMax);
        return (bytes & KeptMark) == 0 ? new AddressRange(address, bytes) : default;
    }

    /// <summary>The pages of all <see cref="Places"/> went back: what follows takes addresses alone.</summary>
    public void NotePagesGone() => _pagesAreGone = true;

    /// <summary>Gives everything back, live blocks as well.</summary>
    public void Dispose()
    {
        Trim(long.MaxValue);
        using (_lock.EnterScope())
        {
            nuint position = 0;
            while (_blocks.TryNext(ref position, out nuint block, out nuint bytes))
            {
                // Whatever the system does not take keeps its addresses until the process ends, but not its memory.
                nuint length = bytes & ~KeptMark;
                if (!_platform.Release(block, length).Succeeded)
                {
                    _ = _platform.Discard(block, length, DiscardMode.Now);
                }
            }

            _blocks.Dispose();
            _liveBytes = 0;
            _kept = 0;
        }
    }
}
