using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>Batches of addresses in frames of their own, in a chain: two words, the next batch and how many, and 510 addresses.</summary>
internal static unsafe class FrameBatches
{
    /// <summary>Addresses of one batch.</summary>
    public const int Capacity = (Pfn.FrameBytes / sizeof(ulong)) - 2;

    private const int Next = 0;
    private const int Count = 1;
    private const int First = 2;

    /// <summary>Makes an empty batch; nobody is asked for memory.</summary>
    /// <returns>Null without a frame.</returns>
    public static ulong* TryMake(IFrameAllocator frames)
    {
        if (!frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            return null;
        }

        ulong* batch = (ulong*)frames.Zone.AddressOf(frame);
        batch[Next] = 0;
        batch[Count] = 0;
        return batch;
    }

    /// <summary>Puts an address in, if there is room.</summary>
    public static bool TryAdd(ulong* batch, ulong address)
    {
        if (batch == null || batch[Count] == Capacity)
        {
            return false;
        }

        batch[First + batch[Count]++] = address;
        return true;
    }

    /// <summary>Puts a batch behind another.</summary>
    public static void Link(ulong* batch, ulong* behind)
    {
        Invariant.Assert(batch[Next] == 0 && batch[Count] == Capacity, $"A batch of {batch[Count]} addresses gets another behind it, and is not full or not the last.");
        batch[Next] = (ulong)behind;
    }

    /// <summary>The batch behind this one, or null.</summary>
    public static ulong* NextOf(ulong* batch) => (ulong*)batch[Next];

    /// <summary>Frees what a batch names, and the batch.</summary>
    /// <returns>How many frames it named.</returns>
    public static long Free(ulong* batch, IFrameAllocator frames, IFrameRelease release)
    {
        long count = (long)batch[Count];
        Invariant.Assert(count is > 0 and <= Capacity, $"A batch names {count} frames: somebody wrote into a frame that was free.");
        try
        {
            release.Free(new ReadOnlySpan<ulong>(batch + First, (int)count));
        }
        finally
        {
            frames.Free(frames.Zone.FrameOf(batch), Order.Zero);
        }

        return count;
    }
}
