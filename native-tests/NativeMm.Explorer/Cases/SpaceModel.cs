using NativeMm.AddressSpaces;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Page tables over a small zone, and access slots for the threads of a case.</summary>
internal sealed unsafe class SpaceModel
{
    public SpaceModel(int threads)
    {
        AccessSlots.Lend((AccessSlot*)Arena.Take((nuint)threads * AccessSlot.Bytes), threads);
        Zone = new FrameFixture(children: 2);
        Tables = new PageTables(Zone.Frames);
    }

    /// <summary>The zone.</summary>
    public FrameFixture Zone { get; }

    /// <summary>The tables.</summary>
    public PageTables Tables { get; }

    /// <summary>Where the words of a map of the leaves of 16 MiB are kept, which is made with this.</summary>
    public nuint BeginLeaves()
    {
        const ulong Pages = 4096;
        Tables.BeginLeaves(new LeafMap((ulong*)Arena.Take((nuint)(Pages / SharedTables.Entries) * sizeof(ulong)), Pages));
        return Tables.Leaves.Words;
    }

    /// <summary>Installs a frame before the threads begin.</summary>
    public nuint Install(ulong page)
    {
        Plan.Check(Tables.TryGrow(page, null, out ulong* leaf) == GrowOutcome.Grown, "no frame for a table");
        nuint address = (nuint)Zone.Frames.Zone.AddressOf(Zone.Allocate(Order.Zero));
        Tables.FrameOf(address).Begin(isInBlock: false);
        PageTables.Put(ref Tables.HeadOf(leaf), leaf + PageTables.Index(page, 0), LeafEntry.Present(address, 0));
        return address;
    }
}
