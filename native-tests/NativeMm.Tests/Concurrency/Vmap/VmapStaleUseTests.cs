using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>
/// A mistaken use of a range that somebody else gives back: it found the range, and before it does anything the record, or even the address, is the next
/// owner's. It must be told, and the next owner must not notice.
/// </summary>
public sealed unsafe class VmapStaleUseTests
{
    private const nuint Page = Pfn.FrameBytes;
    private const nuint Long = 100;

    /// <summary>What is done with the range too late.</summary>
    public enum Use
    {
        Free,
        ReallocLess,
        ReallocMore,
        FrameOf,
    }

    [LinuxTheory]
    [InlineData(Use.Free)]
    [InlineData(Use.ReallocLess)]
    [InlineData(Use.ReallocMore)]
    [InlineData(Use.FrameOf)]
    public void A_use_that_comes_too_late_leaves_the_next_owner_of_the_address_alone(Use use)
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        byte* range = (byte*)vmap.Alloc(Long * Page);
        AssertTooLate(vmap, range, use, () =>
        {
            vmap.Free(range);
            Assert.True(range == vmap.Alloc(Long * Page), "The pool gives the range to the next owner.");
            range[(Long * Page) - 1] = 7;
        });
        AssertUntouched(vmap, range);
    }

    [LinuxTheory]
    [InlineData(Use.Free)]
    [InlineData(Use.ReallocLess)]
    [InlineData(Use.ReallocMore)]
    [InlineData(Use.FrameOf)]
    public void A_use_that_comes_too_late_leaves_the_next_owner_of_the_record_alone(Use use)
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        byte* range = (byte*)vmap.Alloc(Page);
        vmap.Alloc(Page); // whoever is longer than a page gets other addresses
        byte* next = null;
        AssertTooLate(vmap, range, use, () =>
        {
            vmap.Free(range);
            vmap.Purge(pools: true);
            next = (byte*)vmap.Alloc(Long * Page);
            next[(Long * Page) - 1] = 7;
        });
        Assert.True(next != range, "The addresses are others.");
        AssertUntouched(vmap, next);
    }

    [LinuxFact]
    public void An_unmap_that_comes_too_late_leaves_the_next_owner_of_the_record_alone()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[Long];
        vmap.AllocateFrames(frames);
        byte* map = (byte*)vmap.Map(frames.AsSpan(0, 1));
        byte* next = null;
        WhenFound.Do(() =>
        {
            vmap.Unmap(map);
            vmap.Purge();
            next = (byte*)vmap.Map(frames);
        });
        Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => vmap.Unmap<WhenFound>(map, null)).Kind);
        Assert.Equal((VmapAreaState.Busy, (uint)Long), (vmap.FindArea(next)!.Value.State, vmap.FindArea(next)!.Value.Pages));
        vmap.Validate();
        vmap.Unmap(next);
    }

    [LinuxFact]
    public void A_free_in_the_middle_of_a_realloc_is_told_and_takes_nothing()
    {
        byte* range = null;
        MemoryFaultException? told = null;
        VmapAllocator? vmap = null;
        bool inside = false;
        using VmapAllocator made = new(new VmapOptions { CapacityBytes = 64 << 20 }, SystemPlatform.Current, geometry => new HookedFreeSpace(geometry, _ =>
        {
            if (inside)
            {
                inside = false;
                var other = new Thread(() => told = Assert.Throws<MemoryFaultException>(() => vmap!.Free(range)));
                other.Start();
                Assert.True(other.Join(TimeSpan.FromSeconds(30)));
            }
        }));
        vmap = made;
        range = (byte*)vmap.Alloc(Page);
        *range = 7;
        vmap.Alloc(Page); // so that it has to move
        inside = true;
        byte* moved = (byte*)vmap.Realloc(range, Long * Page);
        Assert.False(inside);
        Assert.Equal((MemoryFaultKind.DoubleFree, 7), (told!.Kind, *moved));
        Assert.Contains("Realloc", told.Message, StringComparison.Ordinal);
        vmap.Validate();
        vmap.Free(moved);
    }

    [LinuxFact]
    public void A_realloc_that_fails_lets_the_range_go()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        void* range = vmap.Alloc(Page);
        Assert.Throws<OutOfMemoryException>(() => vmap.Realloc(range, vmap.Zone.Bytes + Page));
        vmap.Free(range);
        Assert.True(range == vmap.Alloc(Page), "It went to its pool.");
        vmap.Free(range);
        vmap.Validate();
    }

    private static void AssertTooLate(VmapAllocator vmap, byte* range, Use use, Action meanwhile)
    {
        WhenFound.Do(meanwhile);
        switch (use)
        {
            case Use.Free:
                Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => vmap.Free<WhenFound>(range)).Kind);
                break;
            case Use.FrameOf:
                Assert.Throws<ArgumentException>(() => vmap.FrameOf<WhenFound>(range));
                break;
            default:
                nuint bytes = use == Use.ReallocLess ? 1 : 2 * Long * Page;
                Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => vmap.Realloc<WhenFound>(range, bytes, default)).Kind);
                break;
        }
    }

    private static void AssertUntouched(VmapAllocator vmap, byte* range)
    {
        VmapAreaInfo area = vmap.FindArea(range)!.Value;
        Assert.Equal((VmapAreaState.Busy, (uint)Long, Long * Page, 7), (area.State, area.Pages, area.Bytes, range[(Long * Page) - 1]));
        vmap.Validate();
        vmap.Free(range);
        Assert.True(range == vmap.Alloc(Long * Page), "A pool keeps it: nobody was told of its frames.");
        vmap.Free(range);
        vmap.Validate();
    }
}
