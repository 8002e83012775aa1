using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>Mistakes that meet blocks which are isolated at that moment, and blocks that do not come back as they went.</summary>
public sealed class UnderReportTests
{
    public static TheoryData<FrameVariant, int> VariantsAndOrders
    {
        get
        {
            TheoryData<FrameVariant, int> data = [];
            foreach (FrameVariant variant in Enum.GetValues<FrameVariant>())
            {
                for (int order = 1; order <= Order.MaxValue; order++)
                {
                    data.Add(variant, order);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void A_second_free_of_a_block_under_report_is_refused_and_changes_nothing(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, 16);
        List<Pfn> live = MakeApart(fixture, order, out List<Pfn> free);
        List<Pfn> isolated = Isolate(fixture, order);
        Assert.Equal(free.Order(), isolated.Order());

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => fixture.Allocator.Free(isolated[0], new Order(order)));

        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Contains("free already, and under report", fault.Message, StringComparison.Ordinal);
        fixture.Allocator.Validate();
        Assert.DoesNotContain(isolated, block => fixture.AllocateAll(order).Contains(block));
        fixture.Allocator.Validate();
        fixture.Allocator.PutBack([.. isolated], new Order(order), FrameContent.Reported);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        Assert.NotEmpty(live);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    public void Frees_beside_blocks_under_report_go_on(int order)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 16);
        List<Pfn> live = MakeApart(fixture, order, out _);
        List<Pfn> isolated = Isolate(fixture, order);
        fixture.FreeAll(live, order);
        fixture.Allocator.Validate();
        Assert.Equal((ulong)(isolated.Count << order), fixture.Allocator.GetStatistics().IsolatedFrames);
        fixture.Allocator.PutBack([.. isolated], new Order(order), FrameContent.Reported);
        Assert.Equal(fixture.Zone.FrameCount, fixture.Allocator.GetStatistics().FreeFrames);
    }

    [Fact]
    public void A_run_of_frames_with_one_under_report_is_free_but_for_that_one()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 4);
        List<Pfn> live = MakeApart(fixture, 0, out _, 64);
        List<Pfn> isolated = Isolate(fixture, 0);
        Assert.Equal(live[0].Value / 64, isolated[0].Value / 64);

        Pfn[] run = [live[0], isolated[0], live[1], isolated[1], live[2]];
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => fixture.Allocator.FreeBulk(run, Order.Zero));

        Assert.Contains($"Frame {isolated[0]} was freed", fault.Message, StringComparison.Ordinal);
        Assert.Contains("under report", fault.Message, StringComparison.Ordinal);
        fixture.Allocator.Validate();
        Assert.Equal((ulong)isolated.Count, fixture.Allocator.GetStatistics().IsolatedFrames);
        Assert.Equal((ulong)live.Count - 3, fixture.Allocator.GetStatistics().AllocatedFrames);
        fixture.Allocator.PutBack([.. isolated], Order.Zero, FrameContent.Unknown);
    }

    [Fact]
    public void A_free_with_an_order_that_reaches_into_blocks_under_report_is_refused_and_changes_nothing()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        List<Pfn> all = [.. Enumerable.Range(0, 4).Select(_ => fixture.Allocate(4)).Order()];
        fixture.FreeAll(all.Skip(1), 4);
        List<Pfn> isolated = Isolate(fixture, 4);

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => fixture.Allocator.Free(all[0], new Order(6)));

        Assert.Equal(MemoryFaultKind.WrongSize, fault.Kind);
        fixture.Allocator.Validate();
        fixture.Allocator.PutBack([.. isolated], new Order(4), FrameContent.Unknown);
        fixture.Allocator.Free(all[0], new Order(4));
        Assert.Equal(512u, fixture.Allocator.GetStatistics().FreeFrames);
    }

    [Fact]
    public void A_block_that_was_freed_before_it_was_signed_is_given_up_and_said_so()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        List<Pfn> all = [.. Enumerable.Range(0, 5).Select(_ => fixture.Allocate(4)).Order()];
        fixture.FreeAll(all.Skip(2), 4);
        List<Pfn> isolated = Isolate(fixture, 4);
        ref ulong signatures = ref ((LockFreeFrameAllocator)fixture.Allocator).Signature(isolated[0].Value);
        ulong signed = signatures;

        // The moment between the claim and the signature.
        signatures = 0;
        fixture.Allocator.Free(isolated[0], new Order(4));
        signatures = signed;
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(
            () => fixture.Allocator.PutBack([.. isolated], new Order(4), FrameContent.ReportedZero));

        Assert.Contains($"Frame {isolated[0]} was put back", fault.Message, StringComparison.Ordinal);
        fixture.Allocator.Validate();
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        fixture.FreeAll(all.Take(2), 4);
        fixture.Allocator.Validate();
        Assert.Equal(512u, fixture.Allocator.GetStatistics().FreeFrames);
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void All_good_blocks_come_back_before_the_first_bad_one_is_reported(FrameVariant variant, int order)
    {
        using var fixture = new FrameFixture(variant, 32);
        List<Pfn> live = MakeApart(fixture, order, out _, 6);
        List<Pfn> isolated = Isolate(fixture, order);
        Pfn[] mixed = [isolated[0], live[0], Pfn.None, .. isolated.Skip(1)];

        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(
            () => fixture.Allocator.PutBack(mixed, new Order(order), FrameContent.Reported));

        Assert.Contains($"Frame {live[0]} was put back", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        fixture.Allocator.Validate();
        fixture.FreeAll(live, order);
    }

    [Theory]
    [InlineData(BuddyReportScheme.Rotation)]
    [InlineData(BuddyReportScheme.Boundary)]
    public void The_same_holds_for_the_walks_of_the_buddy(BuddyReportScheme scheme)
    {
        using var fixture = new FrameFixture(FrameVariant.BuddyUncached, 32);
        List<Pfn> live = MakeApart(fixture, 9, out _, 4);
        IReportableFrames source = ReportableFrames.For(fixture.Allocator, scheme);
        var ranges = new FrameRange[32];
        source.Begin(Order.Huge, Order.Huge, restart: true);
        int count = source.Isolate(ranges, ulong.MaxValue);
        FrameRange[] mixed = [ranges[0], new FrameRange(live[0], Order.Huge, 0), .. ranges[1..count]];

        Assert.Throws<MemoryFaultException>(() => source.PutBack(mixed, FrameContent.Reported));

        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        fixture.FreeAll(live, 9);
    }

    private static List<Pfn> MakeApart(FrameFixture fixture, int order, out List<Pfn> free, int most = int.MaxValue)
    {
        int blocks = (int)Math.Min(fixture.Zone.FrameCount >> order, (uint)most);
        List<Pfn> all = [.. Enumerable.Range(0, blocks).Select(_ => fixture.Allocate(order)).Order()];
        free = [.. all.Where(frame => (frame.Value >> order) % 2 == 0)];
        fixture.FreeAll(free, order);
        fixture.Allocator.Drain();
        return [.. all.Except(free)];
    }

    private static List<Pfn> Isolate(FrameFixture fixture, int order) => FrameIsolationTests.IsolateAll(fixture, order);
}
