using NativeMm.Frames;
using NativeMm.Platform;

namespace NativeMm.Reporting;

/// <summary>
/// Somebody above who keeps bookkeeping for blocks of frames outside of them, which nobody needs while a block is free: it goes back to the
/// operating system with the block.
/// </summary>
internal interface IRangeFollower
{
    /// <summary>The memory that may be discarded together with a block; empty when there is none for a block of that size. What of it is not a whole page of the system stays.</summary>
    /// <param name="block">A free block that is isolated.</param>
    AddressRange RangeOf(FrameRange block);
}
