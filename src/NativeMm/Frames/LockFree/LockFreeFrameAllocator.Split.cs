using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>A block of order 9 that becomes single frames: its word first, its bits second.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    internal const string PauseSplit = "split: counted as frames, not claimed";

    /// <inheritdoc/>
    bool IFrameSource.CanSplit => true;

    /// <inheritdoc/>
    void IFrameSource.Split(Pfn block) => Split<NoPause>(block);

    /// <inheritdoc cref="IFrameSource.Split"/>
    /// <typeparam name="TPause">Where a race test holds the thread.</typeparam>
    internal void Split<TPause>(Pfn block)
        where TPause : struct, IPausePoint
    {
        if (!IsBlock(block, Order.Huge))
        {
            ThrowNotABlock(block, Order.Huge);
        }

        if (!ChildWord.TryChange(ref Child(block.Value / ChildWord.Frames), default(ChildTransitions.Split), out _)) // [A15]
        {
            ThrowNotWhole(block, Order.Huge);
        }

        TPause.Reach(PauseSplit);
        for (uint f = block.Value; f < block.Value + ChildWord.Frames; f += BitmapRow.Frames)
        {
            bool claimed = BitmapRow.TryChange(ref Row(f), ulong.MaxValue, claim: true); // [A2]
            Invariant.Check(claimed, $"Frames from {f} on were taken while the block of order 9 that they lie in was split.");
        }
    }
}
