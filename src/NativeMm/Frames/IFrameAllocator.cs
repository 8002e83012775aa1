using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Hands out blocks of <c>2ⁿ</c> page frames of one zone, naturally aligned. Thread-safe. Running out is a result, not an exception.
/// </summary>
/// <remarks>
/// No allocation and no free may overlap <c>Dispose</c>. It waits for those who count, validate, drain, isolate or put back, and afterwards all verbs
/// throw <see cref="ObjectDisposedException"/>: so it is with the allocators of the library.
/// </remarks>
public interface IFrameAllocator : IDisposable
{
    /// <summary>The zone whose frames these are.</summary>
    FrameZone Zone { get; }

    /// <summary>
    /// Takes a block. Before it fails, the registered shrinkers run, unless <see cref="FrameFlags.NoReclaim"/> is given: once, or up to 16 times
    /// within ten seconds while blocks are isolated or come back.
    /// </summary>
    /// <param name="order">Size of the block.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="frame">First frame of the block, or <see cref="Pfn.None"/>.</param>
    /// <param name="knownZero">Whether the block reads as zero, always so with <see cref="FrameFlags.Zeroed"/>.</param>
    /// <returns>Whether a block was found.</returns>
    bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero);

    /// <summary>Gives a block back.</summary>
    /// <param name="frame">First frame of the block.</param>
    /// <param name="order">The order that it was allocated with.</param>
    /// <exception cref="Diagnostics.MemoryFaultException">The block is not allocated, misaligned or outside the zone.</exception>
    void Free(Pfn frame, Order order);

    /// <summary>
    /// Takes a run of frames that need not be a power of two: as <see cref="TryAllocate"/>, but what a block of the next power of two has behind the
    /// run stays free, for anybody (Linux: <c>alloc_pages_exact</c>). An allocator that cannot do it takes the whole block.
    /// </summary>
    /// <param name="frames">Length of the run in frames, 1 to 512.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="first">First frame, a multiple of the smallest power of two that is not less than <paramref name="frames"/>.</param>
    /// <param name="knownZero">Whether the run reads as zero, always so with <see cref="FrameFlags.Zeroed"/>.</param>
    /// <returns>Whether a run was found.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="frames"/> is out of its range.</exception>
    bool TryAllocateExact(uint frames, FrameFlags flags, out Pfn first, out bool knownZero) =>
        TryAllocate(new Order(FrameRun.Of(frames).Order), flags, out first, out knownZero);

    /// <summary>Gives a run from <see cref="TryAllocateExact"/> back.</summary>
    /// <param name="first">First frame of the run.</param>
    /// <param name="frames">The length that it was allocated with.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="frames"/> is out of its range.</exception>
    /// <exception cref="Diagnostics.MemoryFaultException">The run is not allocated, misaligned or outside the zone.</exception>
    void FreeExact(Pfn first, uint frames) => Free(first, new Order(FrameRun.Of(frames).Order));

    /// <summary>
    /// Takes a run at a place where the caller had one before, if all of it is free: its pages may still be there. Nobody is asked for memory.
    /// An allocator that cannot do it says no.
    /// </summary>
    /// <param name="first">First frame, a multiple of the smallest power of two that is not less than <paramref name="frames"/>.</param>
    /// <param name="frames">Length of the run in frames, 1 to 512.</param>
    /// <param name="knownZero">Whether the run reads as zero.</param>
    /// <returns>Whether the run is the caller's now.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="frames"/> is out of its range.</exception>
    bool TryAllocateAt(Pfn first, uint frames, out bool knownZero)
    {
        knownZero = false;
        return false;
    }

    /// <summary>
    /// Makes a run longer where it lies, if the frames behind it are free. Nobody is asked for memory. An allocator that cannot do it says no.
    /// </summary>
    /// <param name="first">First frame of a run from <see cref="TryAllocateExact"/>.</param>
    /// <param name="frames">Its length in frames, 1 to 511.</param>
    /// <param name="newFrames">The length that it should have, more than <paramref name="frames"/> and at most 512.</param>
    /// <returns>
    /// Whether the run has that length now: then it goes back by <see cref="FreeExact"/> with the new one. No also where a run of that length could not begin.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">A length is out of its range.</exception>
    bool TryExtend(Pfn first, uint frames, uint newFrames) => false;

    /// <summary>Takes up to as many blocks as the span holds. What a shrinker throws goes to the caller, who has none of them then.</summary>
    /// <param name="order">Size of each block.</param>
    /// <param name="flags">Wishes for each of them.</param>
    /// <param name="frames">Where their first frames go; what lies behind those that were got stays as it was.</param>
    /// <returns>How many it got; less than asked when memory is short.</returns>
    int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames);

    /// <summary>Gives many blocks of one order back.</summary>
    /// <param name="frames">First frames of the blocks.</param>
    /// <param name="order">The order that they were allocated with.</param>
    /// <exception cref="Diagnostics.MemoryFaultException">A block is not allocated, misaligned or outside the zone. Those before it are free.</exception>
    void FreeBulk(ReadOnlySpan<Pfn> frames, Order order);

    /// <summary>
    /// Takes free blocks out of circulation whose pages the operating system may still hold, so that they can be discarded. They are
    /// neither free nor allocated until <see cref="PutBack"/>, for which whoever isolated them answers: a block that is never put back is lost
    /// until the allocator is disposed of, and an allocation that is about to fail tries again and again for as long as one is out.
    /// </summary>
    /// <param name="order">Size of the blocks to look for; blocks of exactly this size and alignment whose frames are all free.</param>
    /// <param name="blocks">Where the first frames go.</param>
    /// <param name="cursor">Where to go on in the zone: 0 to begin, otherwise what the last call left; 0 again when the end was reached.</param>
    /// <returns>How many it found.</returns>
    int Isolate(Order order, Span<Pfn> blocks, ref uint cursor);

    /// <summary>Makes isolated blocks free again.</summary>
    /// <param name="blocks">Blocks from <see cref="Isolate"/>.</param>
    /// <param name="order">Their order.</param>
    /// <param name="content">What became of their pages.</param>
    /// <exception cref="Diagnostics.MemoryFaultException">
    /// A block is not isolated with that order, misaligned or outside the zone. All the others are free again when this is thrown; it names the
    /// first of the bad ones, which stay as they are.
    /// </exception>
    void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content);

    /// <summary>Returns the frames that sit in per-core lists and reservations to the common pool.</summary>
    /// <returns>How many frames moved.</returns>
    ulong Drain();

    /// <summary>Registers somebody to ask before an allocation fails.</summary>
    /// <param name="shrinker">Who is asked, after those that were registered before.</param>
    /// <exception cref="ArgumentNullException">The shrinker is null.</exception>
    void AddShrinker(IShrinker shrinker);

    /// <summary>Removes a registered shrinker.</summary>
    /// <param name="shrinker">Who is asked no more; one that is not registered changes nothing.</param>
    /// <exception cref="ArgumentNullException">The shrinker is null.</exception>
    void RemoveShrinker(IShrinker shrinker);

    /// <summary>Counts everything; exact at rest, approximate while others work.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    FrameStatistics GetStatistics();

    /// <summary>
    /// Checks the whole structure and its accounting equation: managed = free + per-core + allocated + isolated. Call it at rest.
    /// </summary>
    /// <exception cref="Diagnostics.InvariantViolationException">Something does not add up.</exception>
    void Validate();
}
