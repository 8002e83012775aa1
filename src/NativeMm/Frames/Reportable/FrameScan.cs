using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>What a walk through a zone looks for.</summary>
/// <param name="Order">Size of the blocks to isolate.</param>
/// <param name="Whole">
/// Free blocks of this order are passed over: they are to be isolated as a whole, by another walk. <paramref name="Order"/> itself means none.
/// </param>
/// <param name="HeldMax">Most frames that the operating system may hold in all blocks together.</param>
/// <param name="FreeMax">Most frames of all blocks together.</param>
internal readonly record struct FrameScan(Order Order, Order Whole, ulong HeldMax, ulong FreeMax);
