using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// What the frame allocators of this library offer to those around them beside the public contract: to a reporter, to a cache in front, to
/// the background passes. A cache hands on what the allocator behind it says. Thread-safe.
/// </summary>
internal interface IFrameSource
{
    /// <summary>The way of finding free blocks that suits this allocator.</summary>
    /// <param name="surface">Whom the reporter sees as the allocator: this one, or the outermost that stands in front of it.</param>
    /// <param name="scheme">For a buddy allocator: how it keeps track of what was reported. Others have one way only.</param>
    IReportableFrames Reportable(IFrameAllocator surface, BuddyReportScheme scheme);

    /// <summary>Whether blocks are isolated, and how many came back: an allocation that failed in the meantime may have missed them.</summary>
    IsolationMark ReadIsolation();

    /// <summary>How many frames are free in the common pool: a part of <see cref="IFrameAllocator.GetStatistics"/> that is cheap.</summary>
    ulong CountFreeFrames();

    /// <summary>Like <see cref="IFrameAllocator.Drain"/>, but only for the cores that did nothing since the last call.</summary>
    /// <returns>How many frames moved.</returns>
    ulong DrainIdle();

    /// <summary>Whether <see cref="Split"/> works; the same for as long as the allocator lives.</summary>
    bool CanSplit { get; }

    /// <summary>
    /// Makes 512 single frames of a block of order 9, all of them allocated still, which go back one by one afterwards (Linux: <c>split_page</c>). Takes no memory, and
    /// what the block holds stays.
    /// </summary>
    /// <param name="block">First frame of the block, which is the caller's: nobody else frees or splits it meanwhile.</param>
    /// <exception cref="NotSupportedException">The allocator behind cannot do it; see <see cref="CanSplit"/>.</exception>
    /// <exception cref="Diagnostics.MemoryFaultException">It is no allocated block of order 9, and stays what it is.</exception>
    void Split(Pfn block);
}
