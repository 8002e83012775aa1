using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>A block of order 9 that becomes single frames.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    /// <inheritdoc/>
    public bool CanSplit => true;

    /// <inheritdoc/>
    public void Split(Pfn block)
    {
        if (!IsOpen(block, Order.Huge))
        {
            ThrowNotAllocated(block, Order.Huge);
        }

        // Under the lock, so that who goes over the blocks of the zone meets one, or all of the frames.
        _lock.Enter();
        bool isSplit = BuddyWord.TrySplit(ref _frames[block.Value].Block, BlockOrder, out BuddyWord frame);
        for (uint f = block.Value + 1; isSplit && f < block.Value + Order.Huge.Frames; f++)
        {
            Invariant.Assert(WordOf(new Pfn(f)).State == BlockState.None, $"A block begins at frame {f} inside the one at frame {block}.");
            SetWord(new Pfn(f), frame);
        }

        _lock.Exit();
        if (!isSplit)
        {
            ThrowNotAllocated(block, Order.Huge);
        }
    }
}
