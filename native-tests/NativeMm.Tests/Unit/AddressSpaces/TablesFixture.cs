using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>Page tables without areas. Disposing validates them, ends them, and checks that every frame came back.</summary>
internal sealed unsafe class TablesFixture : IDisposable
{
    private readonly FrameFixture _frames;

    public TablesFixture(uint megabytes = 16, FrameVariant variant = FrameVariant.LockFree)
    {
        _frames = new FrameFixture(variant, megabytes);
        Tables = new PageTables(_frames.Allocator);
    }

    public PageTables Tables { get; }

    public IFrameAllocator Frames => _frames.Allocator;

    /// <summary>Installs a frame that holds the page's number.</summary>
    public nuint Install(ulong page, ulong flags = 0) => Install(Tables, page, flags);

    public nuint Install(PageTables tables, ulong page, ulong flags = 0)
    {
        Assert.Equal(GrowOutcome.Grown, tables.TryGrow(page, null, out ulong* leaf));
        Assert.True(Frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        nuint address = (nuint)Frames.Zone.AddressOf(frame);
        *(ulong*)address = page;
        tables.FrameOf(address).Begin(isInBlock: false);
        ref TableHead head = ref tables.HeadOf(leaf);
        head.Lock.Enter();
        PageTables.Put(ref head, leaf + PageTables.Index(page, 0), LeafEntry.Present(address, flags));
        head.Lock.Exit();
        return address;
    }

    public ulong Allocated()
    {
        Frames.Drain();
        return Frames.GetStatistics().AllocatedFrames;
    }

    public void Dispose()
    {
        Tables.Validate();
        Tables.Dispose();
        Assert.Equal(0u, Allocated());
        _frames.Dispose();
    }
}
