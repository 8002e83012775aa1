using NativeMm.Explorer.Running;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A depot of blocks of 32 KiB, two to a slab, and a cell for each block of the first slabs.</summary>
internal sealed class DepotFixture
{
    private const nuint BlockBytes = 32 << 10;
    private const uint Tag = 1 << SlabSpace.ClassBits;
    private const int Cells = 6;
    private readonly Cell[] _bytes = [.. Enumerable.Range(0, Cells).Select(block => new Cell($"block {block}"))];

    public DepotFixture()
    {
        var zone = new FrameFixture();
        PlatformResult result = SlabSpace.TryCreate(zone.Frames, new ArenaPlatform(), out SlabSpace? space);
        Plan.Check(result.Succeeded, "the arena refused the arrays of a space");
        Space = space!;
        Depot = new Depot(Space, SizeClass.ForBytes(BlockBytes), Tag);
    }

    public SlabSpace Space { get; }

    public Depot Depot { get; }

    /// <summary>Takes a block, from a new slab if need be.</summary>
    public nuint Take()
    {
        Span<nuint> one = stackalloc nuint[1];
        while (Depot.Take(one) == 0)
        {
            Plan.Check(Depot.TryGrow(), "there are frames enough");
        }

        return one[0];
    }

    /// <summary>Sends a block home to its slab.</summary>
    public void PutHome(nuint block)
    {
        BlockFault fault = Depot.PutHome([block]);
        Plan.Check(fault.Kind == BlockFaultKind.None, $"{fault.Kind} of a block that was the caller's own");
    }

    /// <summary>What lies in a block.</summary>
    public Cell BytesOf(nuint block) => _bytes[(int)((block - Space.BaseAddress) / BlockBytes)];
}
