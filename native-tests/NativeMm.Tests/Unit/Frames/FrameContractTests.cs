using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>What every frame allocator promises, one test over all of them.</summary>
public sealed unsafe class FrameContractTests
{
    private const uint Megabytes = 36;
    private const uint Frames = Megabytes << 8;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    public static TheoryData<FrameVariant, int> VariantsAndOrders
    {
        get
        {
            TheoryData<FrameVariant, int> data = [];
            foreach (FrameVariant variant in Enum.GetValues<FrameVariant>())
            {
                for (int order = 0; order < Order.Count; order++)
                {
                    data.Add(variant, order);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void A_bulk_call_whose_shrinker_throws_keeps_nothing(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        var shrinker = new Thrower();
        fixture.Allocator.AddShrinker(shrinker);
        var frames = new Pfn[(Frames >> order) + 1];
        Assert.Throws<InvalidOperationException>(() => fixture.Allocator.AllocateBulk(new Order(order), FrameFlags.None, frames));
        fixture.Allocator.Drain();
        Assert.Equal(0u, fixture.Allocator.GetStatistics().AllocatedFrames);

        // And what lies behind those that were got stays as it was.
        fixture.Allocator.RemoveShrinker(shrinker);
        frames[^1] = new Pfn(77);
        int count = fixture.Allocator.AllocateBulk(new Order(order), FrameFlags.None, frames);
        Assert.Equal((frames.Length - 1, new Pfn(77)), (count, frames[^1]));
        fixture.Allocator.FreeBulk(frames.AsSpan(0, count), new Order(order));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_fresh_zone_is_all_free_and_costs_nothing(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 38);

        FrameStatistics now = fixture.Allocator.GetStatistics();

        Assert.Equal(38u << 8, now.ManagedFrames);
        Assert.Equal(38u << 8, now.FreeFrames + now.PerCoreFrames);
        Assert.Equal(38u << 8, now.ReportedFrames);
        Assert.Equal(0u, now.AllocatedFrames);
        Assert.Equal(9u, now.FreeBlocks[10]);
        Assert.Equal(1u, now.FreeBlocks[9]);
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void Every_block_can_be_had_once_aligned_and_apart_and_all_huge_blocks_come_back(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        HashSet<uint> seen = [];

        List<Pfn> frames = fixture.AllocateAll(order);

        Assert.Equal(Frames >> order, (uint)frames.Count);
        Assert.All(frames, frame =>
        {
            Assert.Equal(0u, frame.Value & ((1u << order) - 1));
            Assert.True(frame.Value + (1u << order) <= Frames);
            Assert.True(seen.Add(frame.Value));
        });
        Assert.Equal(Frames, fixture.Allocator.GetStatistics().AllocatedFrames);
        fixture.Allocator.Validate();

        fixture.FreeAll(frames, order);
        fixture.Allocator.Drain();

        FrameStatistics now = fixture.Allocator.GetStatistics();
        Assert.Equal(Frames, now.FreeFrames);
        Assert.Equal(Frames / 1024, now.FreeBlocks[10]);
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void A_zone_filled_with_single_frames_has_room_for_a_block_once_its_frames_are_free(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        List<Pfn> frames = fixture.AllocateAll(0);
        var hole = new Pfn(Frames / 2 & ~((1u << order) - 1));

        fixture.FreeAll(frames.Where(f => f.Value - hole.Value < 1u << order), 0);

        Assert.Equal(hole, fixture.Allocate(order));
        Assert.False(fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.None, out Pfn none, out bool zero));
        Assert.Equal(Pfn.None, none);
        Assert.False(zero);
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void A_double_free_is_named_and_changes_nothing(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        Pfn frame = fixture.Allocate(order);
        fixture.Allocator.Free(frame, new Order(order));

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => fixture.Allocator.Free(frame, new Order(order)));

        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Equal((nuint)fixture.Zone.AddressOf(frame), fault.Address);
        Assert.Contains($"Frame {frame} ", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"order {order}", fault.Message, StringComparison.Ordinal);
        fixture.Allocator.Drain();
        Assert.Equal(Frames, fixture.Allocator.GetStatistics().FreeFrames);
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void A_free_with_a_larger_order_is_named_and_changes_nothing(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        Pfn frame = fixture.Allocate(order);
        int wrong = order == Order.MaxValue ? order - 1 : order + 1;
        Assert.Equal(0u, frame.Value & ((1u << wrong) - 1));

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => fixture.Allocator.Free(frame, new Order(wrong)));

        Assert.Equal(MemoryFaultKind.WrongSize, fault.Kind);
        Assert.Equal(1u << order, fixture.Allocator.GetStatistics().AllocatedFrames);
        fixture.Allocator.Validate();
        fixture.Allocator.Free(frame, new Order(order));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_misaligned_or_foreign_frame_is_named(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 38);
        Pfn frame = fixture.Allocate(4);

        Assert.Equal(MemoryFaultKind.NotBlockStart, KindOf(new Pfn(frame.Value + 1), 4));
        Assert.Equal(MemoryFaultKind.ForeignPointer, KindOf(new Pfn(38u << 8), 0));
        Assert.Equal(MemoryFaultKind.ForeignPointer, KindOf(Pfn.None, 0));

        // Half of this block would lie in the zone.
        Assert.Equal(MemoryFaultKind.ForeignPointer, KindOf(new Pfn(36u << 8), 10));

        MemoryFaultKind KindOf(Pfn wrong, int order) =>
            Assert.Throws<MemoryFaultException>(() => fixture.Allocator.Free(wrong, new Order(order))).Kind;
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void Zeroed_blocks_are_zero_when_fresh_and_when_used_before(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        for (int round = 0; round < 3; round++)
        {
            Assert.True(fixture.Allocator.TryAllocate(new Order(order), FrameFlags.Zeroed, out Pfn frame, out bool knownZero));
            Assert.True(knownZero);
            var block = new Span<byte>(fixture.Zone.AddressOf(frame), (int)new Order(order).Bytes);
            Assert.False(block.ContainsAnyExcept((byte)0), $"Round {round}: the block is not zero.");
            block.Fill(0xA5);
            fixture.Allocator.Free(frame, new Order(order));
        }
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void Freed_memory_is_used_again_before_untouched_memory(FrameVariant variant, int order) => PinnedThread.RunOnOneCore(() =>
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        Pfn first = fixture.Allocate(order);
        fixture.Allocator.Free(first, new Order(order));
        ulong reported = fixture.Allocator.GetStatistics().ReportedFrames;

        Pfn again = fixture.Allocate(order);

        Assert.Equal(first, again);
        Assert.Equal(reported, fixture.Allocator.GetStatistics().ReportedFrames);
        fixture.Allocator.Free(again, new Order(order));
    });

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void Bulk_calls_give_what_there_is_and_take_it_back(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, Megabytes);
        var frames = new Pfn[(Frames >> order) + 5];

        int count = fixture.Allocator.AllocateBulk(new Order(order), FrameFlags.None, frames);

        Assert.Equal(frames.Length - 5, count);
        Assert.Equal(count, frames.Take(count).Select(f => f.Value >> order).Distinct().Count());
        fixture.Allocator.Validate();
        Random.Shared.Shuffle(frames.AsSpan(0, count));
        fixture.Allocator.FreeBulk(frames.AsSpan(0, count), new Order(order));
        fixture.Allocator.Drain();
        Assert.Equal(Frames, fixture.Allocator.GetStatistics().FreeFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Zeroed_bulk_frames_are_zero(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        var frames = new Pfn[1024];
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(frames.Length, fixture.Allocator.AllocateBulk(Order.Zero, FrameFlags.Zeroed, frames));
            foreach (Pfn frame in frames)
            {
                var page = new Span<byte>(fixture.Zone.AddressOf(frame), Pfn.FrameBytes);
                Assert.False(page.ContainsAnyExcept((byte)0));
                page.Fill(0x5A);
            }

            fixture.Allocator.FreeBulk(frames, Order.Zero);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_bulk_free_with_a_frame_twice_frees_it_once_and_says_so(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        Pfn a = fixture.Allocate(0);
        Pfn b = fixture.Allocate(0);

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => fixture.Allocator.FreeBulk([a, b, a], Order.Zero));

        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().AllocatedFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Shrinkers_run_once_before_an_allocation_fails_unless_it_asks_them_not_to(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        List<Pfn> held = fixture.AllocateAll(0);
        var shrinker = new HoldingShrinker(fixture.Allocator, held);
        fixture.Allocator.AddShrinker(shrinker);

        Assert.False(fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out _, out _));
        Assert.Equal(0, shrinker.Calls);
        Assert.True(fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        Assert.Equal(1, shrinker.Calls);
        Assert.Equal(1ul, shrinker.LastWanted);
        Assert.False(fixture.Allocator.TryAllocate(new Order(3), FrameFlags.None, out _, out _));
        Assert.Equal(8ul, shrinker.LastWanted);
        Assert.Equal(2, shrinker.Calls);

        fixture.Allocator.RemoveShrinker(shrinker);
        Assert.False(fixture.Allocator.TryAllocate(new Order(3), FrameFlags.None, out _, out _));
        Assert.Equal(2, shrinker.Calls);
        held.Add(frame);
        fixture.FreeAll(held, 0);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Running_out_can_be_described(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        Pfn frame = fixture.Allocate(9);

        string text = OutOfFrames.For(fixture.Allocator, 4u << 20).Message;

        Assert.Contains("4194304 bytes were asked for", text, StringComparison.Ordinal);
        Assert.Contains("limited to 4194304 bytes", text, StringComparison.Ordinal);
        Assert.Contains("2097152 are allocated", text, StringComparison.Ordinal);
        Assert.Contains("1 × 2048 KiB", text, StringComparison.Ordinal);
        fixture.Allocator.Free(frame, Order.Huge);
    }

    private sealed class HoldingShrinker(IFrameAllocator allocator, List<Pfn> held) : IShrinker
    {
        public int Calls { get; private set; }

        public ulong LastWanted { get; private set; }

        public ulong Shrink(ulong framesWanted)
        {
            Calls++;
            LastWanted = framesWanted;
            if (framesWanted > 1)
            {
                return 0;
            }

            allocator.Free(held[^1], Order.Zero);
            held.RemoveAt(held.Count - 1);
            return 1;
        }
    }

    private sealed class Thrower : IShrinker
    {
        public ulong Shrink(ulong framesWanted) => throw new InvalidOperationException("The program's shrinker failed.");
    }
}
