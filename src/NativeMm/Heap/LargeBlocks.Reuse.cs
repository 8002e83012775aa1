using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Heap;

/// <content>Blocks that were freed, and are used again or given up: those kept on purpose, and those that the system did not take.</content>
internal sealed partial class LargeBlocks
{
    // What was kept serves a block that is smaller by at most this part: one in so many.
    private const int SlackDivisor = 4;

    // What was kept grows into a block that is larger, but at most so many times; and no more of it, because the system moves its pages under a lock of the whole process.
    private const int GrowthMax = 4;
    private const nuint GrownBytesMax = 256 << 20;

    /// <summary>Takes a block that was used before and enters it as one in use, in one section of the lock.</summary>
    private bool TryReuse(nuint bytes, nuint alignment, bool zeroed, out nuint block, out nuint length)
    {
        bool isEntered;
        using (_lock.EnterScope())
        {
            // What the system did not take has lost its content: it reads as zero, unless the platform could not do that either.
            if (!_retained.TryTake(bytes, alignment, out block, out length) && !TryTakeKept(bytes, alignment, exact: true, out block, out length))
            {
                return false;
            }

            _window.NoteKept(_retained.Bytes);
            isEntered = TryAddLive(block, length);
        }

        if (!isEntered)
        {
            Release(block, length);
        }

        return isEntered && (!zeroed || IsZeroOrGone(block, length));
    }

    /// <summary>
    /// Makes a block of the largest range that is kept, where none is large enough: a program that needs a little more each time, as a vector does that grows, would otherwise have all that
    /// it ever freed beside what it uses, and would have the system find each page of it anew.
    /// </summary>
    private bool TryGrowRetained(nuint bytes, nuint alignment, bool zeroed, IRoomKeeper? room, out nuint block)
    {
        block = 0;
        if (alignment > _platform.PageBytes || (_platform.Capabilities & PlatformCapabilities.Remap) == 0)
        {
            return false;
        }

        nuint kept;
        nuint had;
        using (_lock.EnterScope())
        {
            if (!_retained.TryTakeLargest(bytes / GrowthMax, nuint.Min(bytes - 1, GrownBytesMax), out kept, out had))
            {
                return false;
            }

            _window.NoteKept(_retained.Bytes);
            _leavingBytes += had;
            AssertWhole();
        }

        room?.MakeRoom(bytes - had);
        bool isGrown = _platform.Resize(kept, had, bytes, out block).Succeeded;
        if (!isGrown)
        {
            ReleaseFreed(kept, had);
        }

        isGrown = isGrown && TryEnter(block, bytes, left: had);
        room?.NoteTaken(bytes - had);
        isGrown = isGrown && (!zeroed || IsZeroOrGone(block, bytes));
        block = isGrown ? block : 0;
        return isGrown;
    }

    /// <summary>Makes a block zero that was entered as one in use; false when that cannot be, and then it is given back.</summary>
    private bool IsZeroOrGone(nuint block, nuint length)
    {
        if (TryMakeZero(block, length))
        {
            return true;
        }

        using (_lock.EnterScope())
        {
            _blocks.TryRemove(block, out _);
            _liveBytes -= length;
            AssertWhole();
        }

        Release(block, length);
        return false;
    }

    /// <summary>
    /// Keeps a block that was freed, in a way that takes memory from nobody: the system may have its pages when it lacks some, before it ends a process for it. Those that it does not take are
    /// there without a fault. The block is on its way to the system; false leaves it there.
    /// </summary>
    private bool TryRetainLazily(nuint block, nuint bytes)
    {
        if (!_platform.Discard(block, bytes, DiscardMode.WhenNeeded).Succeeded)
        {
            return false;
        }

        using (_lock.EnterScope())
        {
            if (_retained.IsFull || _retained.Bytes + bytes > RetainBytesMax)
            {
                return false;
            }

            Invariant.Assert(bytes <= _leavingBytes, $"{bytes} bytes are kept after all, of {_leavingBytes} on their way.");
            _leavingBytes -= bytes;
            _retained.Add(block, bytes, Environment.TickCount64);
            AssertWhole();
            return true;
        }
    }

    private ulong ReleaseRetained(ulong keepBytes, long freedBefore)
    {
        ulong released = 0;
        while (true)
        {
            nuint address;
            nuint length;
            using (_lock.EnterScope())
            {
                if (!_retained.TryTakeSurplus(keepBytes, freedBefore, out address, out length))
                {
                    return released;
                }

                _window.NoteKept(_retained.Bytes);
            }

            Invariant.Assert(length != 0, "A range of no bytes is kept.");
            Release(address, length);
            released += length;
        }
    }

    private bool TryTakeAnyKept(out nuint block, out nuint length)
    {
        using (_lock.EnterScope())
        {
            return TryTakeKept(1, 1, exact: false, out block, out length);
        }
    }

    /// <summary>Takes a block that the system did not take. The search goes on where the last one ended. Under the lock.</summary>
    /// <param name="bytes">How large it must be.</param>
    /// <param name="alignment">What its address must be a multiple of.</param>
    /// <param name="exact">Whether it may be larger by a quarter at most.</param>
    /// <param name="block">Its address.</param>
    /// <param name="length">Its length.</param>
    private bool TryTakeKept(nuint bytes, nuint alignment, bool exact, out nuint block, out nuint length)
    {
        Invariant.Assert(_lock.IsHeldByCurrentThread, "A kept block is taken without the lock.");
        bool isAgain = false;
        while (_kept != 0)
        {
            if (!_blocks.TryNext(ref _keptCursor, out block, out nuint marked))
            {
                _keptCursor = 0;
                if (isAgain)
                {
                    break;
                }

                isAgain = true;
                continue;
            }

            length = marked & ~KeptMark;
            bool fits = length >= bytes && (block & (alignment - 1)) == 0 && (!exact || length - bytes <= bytes / SlackDivisor);
            if ((marked & KeptMark) != 0 && fits)
            {
                _blocks.TryRemove(block, out _);
                _kept--;
                AssertWhole();
                return true;
            }
        }

        (block, length) = (0, 0);
        return false;
    }
}
