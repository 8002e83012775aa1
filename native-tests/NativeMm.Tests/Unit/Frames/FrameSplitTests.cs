using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>A block of 2 MiB that becomes 512 single frames, in every allocator and behind a cache.</summary>
public sealed unsafe class FrameSplitTests
{
    private const uint Frames = 512;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_frames_of_a_block_that_is_split_keep_their_content_and_go_back_one_by_one(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        Pfn block = fixture.Allocate(9);
        for (uint f = 0; f < Frames; f++)
        {
            *fixture.WordOf(new Pfn(block.Value + f)) = f + 1;
        }

        Split(fixture, block);
        fixture.Allocator.Validate();
        Assert.Equal(Frames, fixture.Allocator.GetStatistics().AllocatedFrames);

        // In an order of no use to anybody: 167 and 512 have no common divisor.
        for (uint i = 0, f = 0; i < Frames; i++, f = (f + 167) % Frames)
        {
            Assert.Equal(f + 1, *fixture.WordOf(new Pfn(block.Value + f)));
            fixture.Allocator.Free(new Pfn(block.Value + f), Order.Zero);
            Assert.Equal(Frames - 1 - i, fixture.Allocator.GetStatistics().AllocatedFrames);
        }

        fixture.Allocator.Drain();
        fixture.Allocator.Validate();
        Assert.Equal(1u, fixture.Allocator.GetStatistics().FreeBlocks[10]);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void What_goes_back_is_for_anybody_and_what_stays_is_for_nobody(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 2);
        Pfn block = fixture.Allocate(9);
        Split(fixture, block);
        var kept = new Pfn(block.Value + 300);
        *fixture.WordOf(kept) = 7;
        Pfn[] others = [.. Enumerable.Range(0, (int)Frames).Select(f => new Pfn(block.Value + (uint)f)).Where(frame => frame != kept)];
        fixture.Allocator.FreeBulk(others, Order.Zero);
        fixture.Allocator.Drain();
        Assert.False(fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out _, out _));
        Pfn half = fixture.Allocate(8);
        Assert.Equal(block, half);
        List<Pfn> rest = fixture.AllocateAll(0);
        Assert.Equal(255, rest.Count);
        Assert.DoesNotContain(kept, rest);
        foreach (Pfn frame in rest)
        {
            *fixture.WordOf(frame) = 0xBAD;
        }

        Assert.Equal(7u, *fixture.WordOf(kept));
        fixture.FreeAll(rest, 0);
        fixture.Allocator.Free(half, new Order(8));
        fixture.Allocator.Free(kept, Order.Zero);
        fixture.Allocator.Drain();
        fixture.Allocator.Free(fixture.Allocate(9), Order.Huge);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Only_an_allocated_block_of_2_MiB_is_split(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 10);
        Pfn large = fixture.Allocate(10);
        Pfn half = fixture.Allocate(8);
        Pfn single = fixture.Allocate(0);
        Pfn free = fixture.Allocate(9);
        fixture.Allocator.Free(free, Order.Huge);
        Pfn block = fixture.Allocate(9);
        fixture.Allocator.Free(block, Order.Huge);
        ulong allocated = fixture.Allocator.GetStatistics().AllocatedFrames;
        foreach (Pfn wrong in new[] { large, new Pfn(large.Value + Frames), half, new Pfn(block.Value + 16), block, Pfn.None, new Pfn(fixture.Zone.FrameCount) })
        {
            Assert.Throws<MemoryFaultException>(() => Split(fixture, wrong));
            fixture.Allocator.Validate();
        }

        Assert.Equal(allocated, fixture.Allocator.GetStatistics().AllocatedFrames);
        fixture.Allocator.Free(large, Order.Max);
        fixture.Allocator.Free(half, new Order(8));
        fixture.Allocator.Free(single, Order.Zero);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_that_was_split_is_no_block_any_more(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 2);
        Pfn block = fixture.Allocate(9);
        Split(fixture, block);
        Assert.Equal(MemoryFaultKind.WrongSize, Fault(() => fixture.Allocator.Free(block, Order.Huge)));
        Assert.Throws<MemoryFaultException>(() => Split(fixture, block));
        fixture.Allocator.Validate();
        var frame = new Pfn(block.Value + 5);
        fixture.Allocator.Free(frame, Order.Zero);
        Assert.Equal(MemoryFaultKind.DoubleFree, Fault(() => fixture.Allocator.Free(frame, Order.Zero)));
        fixture.FreeAll(Enumerable.Range(0, (int)Frames).Select(f => new Pfn(block.Value + (uint)f)).Where(f => f != frame), 0);
    }

    [Fact]
    public void A_cache_before_an_allocator_that_cannot_split_says_so_and_changes_nothing()
    {
        using var fixture = new FrameFixture(Create, 2);
        Pfn block = fixture.Allocate(9);
        Assert.False(((IFrameSource)fixture.Allocator).CanSplit);
        Assert.Throws<NotSupportedException>(() => Split(fixture, block));
        fixture.Allocator.Free(block, Order.Huge);
    }

    private static IFrameAllocator[] Create(FrameZone zone)
    {
        var behind = new LockFreeFrameAllocator(zone);
        return [new CachedFrameAllocator(new ParkedFrames(behind)), behind];
    }

    private static void Split(FrameFixture fixture, Pfn block) => ((IFrameSource)fixture.Allocator).Split(block);

    private static MemoryFaultKind Fault(Action act) => Assert.Throws<MemoryFaultException>(act).Kind;
}
