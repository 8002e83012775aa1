using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// What a reporter needs of a frame allocator. The allocator stays the master of its structures: the reporter asks for blocks, gets them
/// isolated, and gives them back with what became of them. One reporter at a time; others may allocate and free at the same time.
/// </summary>
internal interface IReportableFrames
{
    /// <summary>The allocator.</summary>
    IFrameAllocator Frames { get; }

    /// <summary>Whether the walk came to its end, so that the next <see cref="Begin"/> begins anew.</summary>
    bool IsAtEnd { get; }

    /// <summary>Counts what is allocated and what could be reported. For a look a few times a second.</summary>
    FrameUse Sample();

    /// <summary>How many frames are free in the common pool.</summary>
    /// <param name="enough">Counting may stop once it has so many.</param>
    ulong CountFree(ulong enough);

    /// <summary>Begins a walk over the free blocks that are not reported, or goes on with one that was interrupted.</summary>
    /// <param name="blocks">Blocks of at least this order come first.</param>
    /// <param name="pieces">Then blocks of at least this order; not above <paramref name="blocks"/>.</param>
    /// <param name="restart">Whether to begin anew, so that everything is seen that is free now.</param>
    void Begin(Order blocks, Order pieces, bool restart);

    /// <summary>Takes the next free blocks that are not reported out of circulation.</summary>
    /// <param name="ranges">Where they go.</param>
    /// <param name="framesMax">Most frames that the operating system may hold in all of them together.</param>
    /// <param name="freeMax">Most frames by which there may be fewer free ones afterwards: the sizes of the blocks together.</param>
    /// <returns>
    /// How many blocks it took; 0 when nothing fits, or when <see cref="IsAtEnd"/>. When the next block of the walk does not fit, smaller ones that
    /// do are taken on the side.
    /// </returns>
    int Isolate(Span<FrameRange> ranges, ulong framesMax, ulong freeMax = ulong.MaxValue);

    /// <summary>Makes isolated blocks free again.</summary>
    /// <param name="ranges">Blocks from <see cref="Isolate"/>.</param>
    /// <param name="content">What became of their pages.</param>
    void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content);
}
