using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>Taking free blocks out, and what is remembered of them when they come back.</summary>
public sealed unsafe class FrameIsolationTests
{
    private const uint Frames = 16u << 8;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    public static TheoryData<FrameVariant, int> VariantsAndReportableOrders
    {
        get
        {
            TheoryData<FrameVariant, int> data = [];
            foreach (FrameVariant variant in Enum.GetValues<FrameVariant>())
            {
                data.Add(variant, 4);
                data.Add(variant, 6);
                data.Add(variant, 8);
                data.Add(variant, 9);
                data.Add(variant, 10);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_fresh_zone_has_nothing_to_isolate(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 16);
        uint cursor = 0;
        Assert.Equal(0, fixture.Allocator.Isolate(Order.Huge, new Pfn[32], ref cursor));
        Assert.Equal(0u, cursor);
    }

    [Theory]
    [MemberData(nameof(VariantsAndReportableOrders))]
    public void Isolated_blocks_are_out_of_reach_until_they_are_put_back(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, 16);
        TouchEverything(fixture, order);

        List<Pfn> isolated = IsolateAll(fixture, order);

        Assert.Equal(Frames >> order, (uint)isolated.Distinct().Count());
        FrameStatistics during = fixture.Allocator.GetStatistics();
        Assert.Equal(Frames, during.IsolatedFrames);
        Assert.Equal(0u, during.FreeFrames);
        Assert.Equal(0u, during.AllocatedFrames);
        Assert.False(fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));
        fixture.Allocator.Validate();

        fixture.Allocator.PutBack([.. isolated], new Order(order), FrameContent.Unknown);

        FrameStatistics after = fixture.Allocator.GetStatistics();
        Assert.Equal(Frames, after.FreeFrames);
        Assert.Equal(0u, after.IsolatedFrames);
        Assert.Equal(0u, after.ReportedFrames);
        Assert.Equal(Frames >> 10, after.FreeBlocks[10]);
        Assert.Equal(Frames >> order, (uint)IsolateAndPutBack(fixture, order, FrameContent.Unknown));
    }

    [Theory]
    [MemberData(nameof(VariantsAndReportableOrders))]
    public void Reported_blocks_are_not_offered_again_until_they_were_used(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, 16);
        TouchEverything(fixture, order);
        Assert.Equal((int)(Frames >> order), IsolateAndPutBack(fixture, order, FrameContent.ReportedZero));
        Assert.Equal(Frames, fixture.Allocator.GetStatistics().ReportedFrames);

        Assert.Empty(IsolateAll(fixture, order));

        Pfn frame = fixture.Allocate(order);
        fixture.Allocator.Free(frame, new Order(order));
        fixture.Allocator.Drain();
        List<Pfn> again = IsolateAll(fixture, order);
        Assert.Contains(frame, again);
        fixture.Allocator.PutBack([.. again], new Order(order), FrameContent.Unknown);
    }

    [Theory]
    [MemberData(nameof(VariantsAndReportableOrders))]
    public void Content_is_known_to_be_zero_only_when_the_system_took_it(FrameVariant variant, int order)
    {
        foreach (FrameContent content in Enum.GetValues<FrameContent>())
        {
            using var fixture = new FrameFixture(variant, 16);
            TouchEverything(fixture, order);
            IsolateAndPutBack(fixture, order, content);

            Assert.True(fixture.Allocator.TryAllocate(new Order(order), FrameFlags.None, out Pfn frame, out bool knownZero));

            Assert.Equal(content == FrameContent.ReportedZero, knownZero);
            fixture.Allocator.Free(frame, new Order(order));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_freed_beside_an_isolated_one_merges_when_that_comes_back(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        List<Pfn> halves = fixture.AllocateAll(9);
        Assert.Equal(2, halves.Count);
        fixture.Allocator.Free(halves[0], Order.Huge);
        fixture.Allocator.Drain();
        var isolated = new Pfn[4];
        uint cursor = 0;
        Assert.Equal(1, fixture.Allocator.Isolate(Order.Huge, isolated, ref cursor));
        Assert.Equal(halves[0], isolated[0]);

        fixture.Allocator.Free(halves[1], Order.Huge);

        Assert.False(fixture.Allocator.TryAllocate(Order.Max, FrameFlags.None, out _, out _));
        fixture.Allocator.PutBack(isolated.AsSpan(0, 1), Order.Huge, FrameContent.ReportedZero);
        fixture.Allocator.Free(fixture.Allocate(10), Order.Max);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_cursor_goes_through_the_zone_and_back_to_the_beginning(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 16);
        TouchEverything(fixture, 9);
        uint cursor = 0;
        List<Pfn> found = [];
        var one = new Pfn[3];
        int calls = 0;
        do
        {
            int count = fixture.Allocator.Isolate(Order.Huge, one, ref cursor);
            found.AddRange(one.Take(count));
            Assert.True(++calls <= 4, "The cursor does not come to an end.");
        }
        while (cursor != 0);

        Assert.Equal(8, found.Distinct().Count());
        fixture.Allocator.PutBack([.. found], Order.Huge, FrameContent.Unknown);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Putting_back_what_is_not_isolated_is_a_mistake(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        Pfn frame = fixture.Allocate(9);

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(
            () => fixture.Allocator.PutBack([frame], Order.Huge, FrameContent.ReportedZero));

        Assert.Equal(MemoryFaultKind.WrongSize, fault.Kind);
        Assert.Throws<MemoryFaultException>(() => fixture.Allocator.PutBack([Pfn.None], Order.Huge, FrameContent.Unknown));
        fixture.Allocator.Free(frame, Order.Huge);
    }

    internal static List<Pfn> IsolateAll(FrameFixture fixture, int order)
    {
        List<Pfn> all = [];
        var batch = new Pfn[5];
        uint cursor = 0;
        do
        {
            int count = fixture.Allocator.Isolate(new Order(order), batch, ref cursor);
            all.AddRange(batch.Take(count));
        }
        while (cursor != 0);

        return all;
    }

    private static int IsolateAndPutBack(FrameFixture fixture, int order, FrameContent content)
    {
        List<Pfn> blocks = IsolateAll(fixture, order);
        foreach (Pfn block in blocks)
        {
            Assert.True(fixture.Platform.Discard((nuint)fixture.Zone.AddressOf(block), new Order(order).Bytes, default).Succeeded);
        }

        fixture.Allocator.PutBack([.. blocks], new Order(order), content);
        return blocks.Count;
    }

    // Blocks of exactly the order are free afterwards, and the system may hold all of them.
    private static void TouchEverything(FrameFixture fixture, int order)
    {
        List<Pfn> all = fixture.AllocateAll(order);
        foreach (Pfn frame in all)
        {
            *fixture.WordOf(frame) = 1;
        }

        fixture.FreeAll(all, order);
        fixture.Allocator.Drain();
    }
}
