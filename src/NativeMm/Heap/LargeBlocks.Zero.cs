using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Heap;

/// <content>
/// How a block that is used again becomes zero. Pages that go back to the system read as zero at no cost, but each of them that is written then is a fault, which takes many times what clearing
/// it would have taken. Pages that the system has already should stay there. So each part of a block is cleared where most of it is resident, and discarded where it is not.
/// </content>
internal sealed unsafe partial class LargeBlocks
{
    /// <summary>Blocks above are discarded as a whole: what a program does not touch of them is too much to hold.</summary>
    public const nuint ClearedBytesMax = 32 << 20;

    private const nuint ZeroedPartBytes = 512 << 10;

    private bool TryMakeZero(nuint block, nuint bytes)
    {
        if ((_platform.Capabilities & PlatformCapabilities.DiscardZeroes) == 0)
        {
            return false;
        }

        Invariant.Assert(
            bytes != 0 && block % _platform.PageBytes == 0 && bytes % _platform.PageBytes == 0, $"A large block of {bytes} bytes at 0x{block:x} is no row of pages.");
        if (bytes > ClearedBytesMax || (_platform.Capabilities & PlatformCapabilities.CountResident) == 0)
        {
            return _platform.Discard(block, bytes, DiscardMode.Now).Succeeded;
        }

        // Parts to be discarded that lie side by side go with one call.
        nuint end = block + bytes;
        nuint discardFrom = block;
        for (nuint part = block; part < end; part += ZeroedPartBytes)
        {
            nuint length = nuint.Min(end - part, ZeroedPartBytes);
            if (IsMostlyResident(part, length))
            {
                if (!TryDiscard(discardFrom, part))
                {
                    return false;
                }

                new Span<byte>((void*)part, (int)length).Clear();
                discardFrom = part + length;
            }
        }

        return TryDiscard(discardFrom, end);
    }

    private bool IsMostlyResident(nuint address, nuint bytes) =>
        _platform.CountResident(address, bytes, out nuint pages).Succeeded && pages * _platform.PageBytes > bytes / 2;

    private bool TryDiscard(nuint from, nuint to) => from == to || _platform.Discard(from, to - from, DiscardMode.Now).Succeeded;
}
