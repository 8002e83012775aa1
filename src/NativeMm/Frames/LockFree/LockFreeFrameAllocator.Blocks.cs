using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Blocks of 2 MiB, for whoever moves frames together: a block is a child.</content>
public sealed unsafe partial class LockFreeFrameAllocator : IBlockedFrames
{
    /// <inheritdoc/>
    uint IBlockedFrames.BlockCount => Math.Min(_childCount, Frontier * FrameTree.ChildCount);

    /// <inheritdoc/>
    uint IBlockedFrames.UsedOf(uint block, out uint held)
    {
        ChildWord word = ReadChild(block);
        held = (uint)Math.Max(0, word.FreeTouched);
        return word.Used;
    }

    /// <inheritdoc/>
    bool IBlockedFrames.TryTakeOf(uint block, out Pfn frame)
    {
        bool taken = TryTakeFromChild(block, FrameRun.Block(0), touchedOnly: true, out uint found, out _);
        frame = taken ? new Pfn(found) : Pfn.None;
        return taken;
    }
}
