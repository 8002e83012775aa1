using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// What an allocation looks for: so many frames from a multiple of a power of two on. A block is a run that fills its power of two; other runs stay
/// within 2 MiB.
/// </summary>
/// <param name="Order">The smallest order whose blocks hold the run; it begins where such a block may begin.</param>
/// <param name="Frames">Frames of the run.</param>
internal readonly record struct FrameRun(int Order, uint Frames)
{
    /// <summary>Most frames of a run that is not a block.</summary>
    public const uint FramesMax = ChildWord.Frames;

    /// <summary>Whether the run fills its power of two.</summary>
    public bool IsBlock => Frames == 1u << Order;

    /// <summary>Whether it is a block that takes children as a whole, by their words alone.</summary>
    public bool IsWhole => Order >= LockFreeFrameAllocator.HugeOrder && IsBlock;

    /// <summary>The block of an order.</summary>
    public static FrameRun Block(int order)
    {
        Invariant.Assert(order is >= 0 and <= Primitives.Order.MaxValue, $"A run is a block of order {order}.");
        return new(order, 1u << order);
    }

    /// <summary>So many frames.</summary>
    /// <param name="frames">1 to <see cref="FramesMax"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="frames"/> is out of that range.</exception>
    public static FrameRun Of(uint frames)
    {
        if (frames - 1 >= FramesMax)
        {
            throw new ArgumentOutOfRangeException(nameof(frames), frames, $"A run has 1 to {FramesMax} frames, not {frames}.");
        }

        return new FrameRun(Primitives.Order.ForBytes((nuint)frames << Pfn.FrameShift).Value, frames);
    }
}
