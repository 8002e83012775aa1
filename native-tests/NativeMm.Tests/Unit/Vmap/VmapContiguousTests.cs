using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>Where nothing can be mapped: a range is one block of contiguous frames.</summary>
public sealed unsafe class VmapContiguousTests
{
    private const nuint Page = Pfn.FrameBytes;

    [Fact]
    public void Every_alignment_up_to_the_largest_block_holds()
    {
        // Zones of odd multiples of 2 MiB lie at odd multiples of 2 MiB by and by, if they may.
        for (int round = 0; round < 10; round++)
        {
            using var before = new VmapAllocator(new VmapOptions { CapacityBytes = 6 << 20 }, new PortablePlatform());
            using var vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 18 << 20 }, new PortablePlatform());
            for (int shift = 12; shift <= 22; shift++)
            {
                Assert.Equal(0, (int)((nuint)vmap.Alloc(Page, alignment: (nuint)1 << shift) & (((nuint)1 << shift) - 1)));
            }

            Assert.Equal(0, (int)((nuint)before.Alloc(Page, alignment: 4 << 20) & ((4 << 20) - 1)));
            vmap.Validate();
        }
    }

    [Fact]
    public void The_limit_of_one_block_is_named()
    {
        using VmapAllocator vmap = Make();
        foreach ((nuint bytes, nuint alignment) in (ReadOnlySpan<(nuint, nuint)>)[((4 << 20) + 1, 0), (Page, 8 << 20), (Page, (nuint)1 << 63)])
        {
            Assert.False(vmap.TryAlloc(bytes, VmapFlags.None, alignment, out _));
            OutOfMemoryException problem = Assert.Throws<OutOfMemoryException>(() => vmap.Alloc(bytes, alignment: alignment));
            Assert.Contains("at most 4194304 bytes", problem.Message, StringComparison.Ordinal);
        }

        vmap.Free(vmap.Alloc(4 << 20));
        vmap.Validate();
    }

    [Fact]
    public void Per_core_units_keep_their_size_here_too()
    {
        using VmapAllocator vmap = Make();
        VmapPerCoreArea units = vmap.AllocPerCore(100);
        Assert.Equal(VmapAreaKind.PerCore, vmap.FindArea(units.Address)!.Value.Kind);
        Assert.Throws<ArgumentException>(() => vmap.Realloc(units.Address, Page));
        vmap.Free(units.Address);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.Free(units.Address)).Kind);
        vmap.Validate();
    }

    [Fact]
    public void Notifiers_are_asked_here_too()
    {
        using VmapAllocator vmap = Make();
        var live = new List<nuint>();
        while (vmap.TryAlloc(1 << 20, VmapFlags.None, 0, out void* range))
        {
            live.Add((nuint)range);
        }

        vmap.AddPurgeNotifier(_ =>
        {
            vmap.Free((void*)live[0]);
            live.RemoveAt(0);
        });
        vmap.Free(vmap.Alloc(1 << 20));
        vmap.Validate();
    }

    private static VmapAllocator Make() => new(new VmapOptions { CapacityBytes = 16 << 20 }, new PortablePlatform());
}
