using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// What an allocator knows of its blocks of 2 MiB, and a way to take a frame out of one of them: for whoever moves frames together. Thread-safe;
/// everything it says may have changed a moment later.
/// </summary>
internal interface IBlockedFrames
{
    /// <summary>Blocks that were ever used; all of them have lower numbers.</summary>
    uint BlockCount { get; }

    /// <summary>How a block is used.</summary>
    /// <param name="block">Its number: that of its first frame by 512.</param>
    /// <param name="held">Free frames whose pages the operating system may hold.</param>
    /// <returns>Frames in use, those on their way in or out among them.</returns>
    uint UsedOf(uint block, out uint held);

    /// <summary>Takes a frame of a block whose page the operating system holds already. Never runs the shrinkers.</summary>
    bool TryTakeOf(uint block, out Pfn frame);
}
