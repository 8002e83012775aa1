using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <summary>
/// How the slabs of one size class are cut, and how many blocks travel together between a thread and the depot.
/// </summary>
internal readonly struct SlabGeometry
{
    /// <summary>Most blocks that fit one slab of any class.</summary>
    public const int BlocksMax = (int)(SlabSpace.GranuleBytes / 16);

    /// <summary>Most blocks in one batch.</summary>
    public const int BatchMax = 64;

    private const int BatchBytes = 16 << 10;
    private const int StockBytes = 64 << 10;
    private const int StockedBatchesMax = 4;
    private const int ReciprocalShift = 48;

    // A tail of an eighth of the slab or more goes back to the frames. Less is not worth what it does to the place: once somebody has it, the slab's
    // frames never make a whole block again before he frees it.
    private const uint TailDivisor = 8;

    // A thread's magazines are the places of one rack, and a granule's word has so many bits for the class.
    private const byte ClassesFit = SizeClass.Count <= Magazine.Stride && SizeClass.Count <= 1 << SlabSpace.ClassBits ? 0 : -1;

    private static readonly SlabGeometry[] s_table = MakeTable();

    private SlabGeometry(SizeClass sizeClass)
    {
        BlockBytes = (uint)sizeClass.BlockBytes;
        Order = OrderFor(BlockBytes);
        Blocks = BlockBytes <= SlabSpace.GranuleBytes / 2 ? (int)(Order.Bytes / BlockBytes) : 1;
        Frames = FramesFor(Order, (uint)Blocks * BlockBytes);
        BatchCount = BatchFor((int)BlockBytes);
        StockedBatches = IsRun ? 0 : Math.Clamp(StockBytes / (BatchCount * (int)BlockBytes), 1, StockedBatchesMax);
        Reciprocal = ((1UL << ReciprocalShift) / BlockBytes) + 1;
        Invariant.Assert(
            Blocks is > 0 and <= BlocksMax && (ulong)Blocks * BlockBytes <= Order.Bytes && Frames <= Order.Frames, $"{Blocks} blocks of {BlockBytes} bytes do not fit a slab of {Order.Bytes}.");
    }

    /// <summary>Bytes of one block.</summary>
    public uint BlockBytes { get; }

    /// <summary>The order whose blocks a slab fits into, at least 4 (64 KiB): it begins where such a block may begin.</summary>
    public Order Order { get; }

    /// <summary>Frames of a slab. What a block of <see cref="Order"/> has behind them is free for others, unless it is little.</summary>
    public uint Frames { get; }

    /// <summary>Granules that a slab has for itself, the last one perhaps in part.</summary>
    public int Granules => (int)(Frames + SlabSpace.FramesPerGranule - 1) / SlabSpace.FramesPerGranule;

    /// <summary>Blocks in one slab.</summary>
    public int Blocks { get; }

    /// <summary>Blocks that travel together between a thread and the depot: about 16 KiB worth, 1 to 64.</summary>
    public int BatchCount { get; }

    /// <summary>
    /// Items that a thread's magazine may hold at first: two batches, so that a walk around one boundary does not move batches all the time. A
    /// program that grows one buffer passes through many large sizes and comes back to none, so runs start with nothing.
    /// </summary>
    public int MagazineCapacityAtFirst => IsRun ? 0 : BatchCount * 2;

    /// <summary>Whether each block is a run of frames of its own: above 32 KiB.</summary>
    public bool IsRun => Blocks == 1;

    /// <summary>Full batches that a depot keeps before blocks go back to their slabs: about 64 KiB worth, 1 to 4; none of runs, which go back to the frames for any size to use.</summary>
    public int StockedBatches { get; }

    private ulong Reciprocal { get; }

    /// <summary>The geometry of a class.</summary>
    public static ref readonly SlabGeometry Of(SizeClass sizeClass) => ref s_table[sizeClass.Value];

    /// <summary>Number of the block that an offset into the slab lies in.</summary>
    /// <param name="offset">Below the slab's size: 4 MiB. Quotients stay below 4096, so the product fits 64 bits and the rounding is exact.</param>
    public int BlockAt(nuint offset) => (int)((offset * Reciprocal) >> ReciprocalShift);

    /// <summary>The number of the block that begins at a place inside a slab; -1 when none does.</summary>
    /// <param name="place">Bytes from the beginning of the zone, at whose multiples of their own size slabs lie.</param>
    public int IndexOf(nuint place)
    {
        nuint offset = place & (Order.Bytes - 1);
        int index = BlockAt(offset);
        return index < Blocks && offset == (nuint)index * BlockBytes ? index : -1;
    }

    private static uint FramesFor(Order order, uint bytes)
    {
        uint frames = (bytes + Pfn.FrameBytes - 1) >> Pfn.FrameShift;
        return (order.Frames - frames) * TailDivisor >= order.Frames ? frames : order.Frames;
    }

    private static int BatchFor(int blockBytes) => Math.Clamp(BatchBytes / blockBytes, 1, BatchMax);

    /// <summary>
    /// Blocks of up to 32 KiB share a slab of 64 KiB; a larger one is a run of frames of its own, so that its frames serve any size once it is
    /// free. What is left behind the blocks goes back to the frames if it is worth it; otherwise it is address space that nobody touches.
    /// </summary>
    private static Order OrderFor(uint blockBytes) =>
        blockBytes <= SlabSpace.GranuleBytes / 2 ? new Order(SlabSpace.GranuleShift - Pfn.FrameShift) : Order.ForBytes(blockBytes);

    private static SlabGeometry[] MakeTable()
    {
        var table = new SlabGeometry[SizeClass.Count];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = new SlabGeometry(new SizeClass(i));
        }

        return table;
    }
}
