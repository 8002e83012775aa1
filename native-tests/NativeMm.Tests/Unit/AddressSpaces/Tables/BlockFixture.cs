using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Tables;

/// <summary>Tables over an allocator, and the frames of one block of 2 MiB, each with the one reference that its entry would be.</summary>
internal sealed unsafe class BlockFixture : IDisposable
{
    public const int Frames = 512;

    private readonly FrameFixture _frames;
    private readonly ulong _tables;

    /// <summary>Makes it.</summary>
    /// <param name="splits">Whether the tables may know that the allocator can split.</param>
    /// <param name="variant">The allocator.</param>
    public BlockFixture(bool splits = true, FrameVariant variant = FrameVariant.LockFree)
    {
        _frames = new FrameFixture(variant, 8);
        Tables = new PageTables(splits ? _frames.Allocator : new ParkedFrames(_frames.Allocator));
        _tables = Allocated();
    }

    public PageTables Tables { get; }

    public IFrameAllocator Allocator => _frames.Allocator;

    /// <summary>The block's first frame.</summary>
    public Pfn Block { get; private set; }

    /// <summary>Frames that are out beside those of the tables.</summary>
    public ulong Out => Allocated() - _tables;

    /// <summary>Makes the block; its pages are in no table.</summary>
    public void Begin()
    {
        Assert.True(Allocator.TryAllocate(Order.Huge, FrameFlags.None, out Pfn block, out _));
        Block = block;
        ulong* leaf = stackalloc ulong[Frames];
        var head = default(TableHead);
        new Span<ulong>(leaf, Frames).Fill(LeafEntry.Empty.Word);
        Tables.PutBlock(ref head, leaf, Address(0), 0);
        Assert.True(head.IsHuge && head.Population == Frames);
    }

    public nuint Address(int frame) => (nuint)Allocator.Zone.AddressOf(new Pfn(Block.Value + (uint)frame));

    /// <summary>Lets the one reference to a frame go.</summary>
    public void Drop(int frame) => Tables.DropMapping(Address(frame));

    public void Dispose()
    {
        Tables.Dispose();
        Assert.Equal(0u, Allocated());
        _frames.Dispose();
    }

    private ulong Allocated()
    {
        Allocator.Drain();
        return Allocator.GetStatistics().AllocatedFrames;
    }
}
