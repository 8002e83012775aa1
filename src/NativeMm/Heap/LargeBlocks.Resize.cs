using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Heap;

/// <content>Blocks that grow or shrink without a copy.</content>
internal sealed partial class LargeBlocks
{
    /// <summary>
    /// Grows or shrinks a block by remapping it; false when the system cannot, and nothing has changed. A block that grows by less than an eighth of
    /// its size grows by an eighth, in address space: what is behind the bytes asked for costs nothing until it is touched.
    /// </summary>
    public bool TryResize(nuint block, nuint bytes, out nuint moved)
    {
        moved = 0;
        nuint rounded = RoundUp(bytes);
        if (rounded < bytes || rounded > MachineMemory.BlockBytesMax || (_platform.Capabilities & PlatformCapabilities.Remap) == 0)
        {
            return false;
        }

        nuint had = BytesOf(block);
        nuint more = had != 0 && rounded > had ? rounded - had : 0;
        IRoomKeeper? room = more != 0 ? _room : null;
        room?.MakeRoom(more);
        bool isResized = TryResizeHere(block, rounded, out moved);
        room?.NoteTaken(more);
        return isResized;
    }

    private bool TryResizeHere(nuint block, nuint rounded, out nuint moved)
    {
        moved = 0;
        ulong keep;
        using (_lock.EnterScope())
        {
            nuint old = LiveBytesOf(block);
            if (old == 0)
            {
                return false;
            }

            nuint length = rounded > old ? nuint.Max(rounded, RoundUp(old + (old / GrowthDivisor))) : rounded;
            if (!_platform.Resize(block, old, length, out moved).Succeeded)
            {
                length = rounded;
                if (!_platform.Resize(block, old, length, out moved).Succeeded)
                {
                    return false;
                }
            }

            Invariant.Assert(
                moved != 0 && moved % _platform.PageBytes == 0 && (moved == block || LiveBytesOf(moved) == 0),
                $"The large block at 0x{block:x} moved to 0x{moved:x}, where another one is.");
            // The place of the one is there for the other.
            _blocks.TryRemove(block, out _);
            _blocks.TryAdd(moved, length);
            Invariant.Assert(old <= _liveBytes, $"The large block at 0x{block:x} has {old} bytes, of {_liveBytes} in use.");
            _liveBytes += length - (ulong)old;
            _window.NoteLive(_liveBytes);
            keep = RetainBytesMax;
            AssertWhole();
            if (_retained.Bytes <= keep)
            {
                return true;
            }
        }

        // What is kept for a burst goes as one block grows into it, as it does when blocks are mapped.
        ReleaseRetained(keep, freedBefore: long.MinValue);
        return true;
    }
}
