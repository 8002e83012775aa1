using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>Runs that are not a power of two, from every allocator.</summary>
public sealed unsafe class ExactFrameTests
{
    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void What_a_power_of_two_has_behind_a_run_is_free_for_others(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 2);
        Assert.True(fixture.Allocator.TryAllocateExact(288, FrameFlags.None, out Pfn run, out bool knownZero));
        Assert.Equal((0u, true), (run.Value, knownZero));
        FrameStatistics now = fixture.Allocator.GetStatistics();
        Assert.Equal((288ul, 224ul), (now.AllocatedFrames, now.FreeFrames + now.PerCoreFrames));

        // 224 = 128 + 64 + 32, and nobody wrote there: it is zero still.
        Pfn[] tail = [fixture.Allocate(7), fixture.Allocate(6), fixture.Allocate(5)];
        Assert.Equal([384u, 320u, 288u], tail.Select(frame => frame.Value));
        fixture.Allocator.Validate();
        fixture.Allocator.FreeExact(run, 288);
        fixture.FreeAll([tail[0]], 7);
        fixture.FreeAll([tail[1]], 6);
        fixture.FreeAll([tail[2]], 5);
        Assert.Equal(512u, fixture.Allocator.GetStatistics().FreeFrames);
        fixture.FreeAll([fixture.Allocate(9)], 9);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_length_begins_where_its_power_of_two_may_begin_and_takes_no_frame_more(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        for (uint frames = 1; frames <= 512; frames++)
        {
            Assert.True(fixture.Allocator.TryAllocateExact(frames, FrameFlags.Zeroed, out Pfn first, out bool knownZero));
            Assert.True(knownZero);
            Assert.Equal(0u, first.Value & ((1u << FrameRun.Of(frames).Order) - 1));
            Assert.Equal(frames, fixture.Allocator.GetStatistics().AllocatedFrames);
            fixture.Allocator.FreeExact(first, frames);
            Assert.Equal(0u, fixture.Allocator.GetStatistics().AllocatedFrames);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Mistakes_are_named_and_change_nothing(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 2);
        foreach (uint frames in new uint[] { 0, 513, uint.MaxValue })
        {
            ArgumentOutOfRangeException wrong =
                Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Allocator.TryAllocateExact(frames, FrameFlags.None, out _, out _));
            Assert.Contains("1 to 512", wrong.Message);
            Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Allocator.FreeExact(default, frames));
        }

        Assert.True(fixture.Allocator.TryAllocateExact(40, FrameFlags.None, out Pfn run, out _));
        Assert.Throws<MemoryFaultException>(() => fixture.Allocator.FreeExact(run, 50));
        Assert.Throws<MemoryFaultException>(() => fixture.Allocator.FreeExact(new Pfn(run.Value + 4), 40));
        Assert.Equal(40u, fixture.Allocator.GetStatistics().AllocatedFrames);
        fixture.Allocator.FreeExact(run, 40);
        Assert.Throws<MemoryFaultException>(() => fixture.Allocator.FreeExact(run, 40));
    }

    [Fact]
    public void A_hole_of_its_length_is_enough_for_a_run_of_the_lock_free_allocator()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 2);
        Assert.True(fixture.Allocator.TryAllocateExact(288, FrameFlags.None, out Pfn run, out _));
        Pfn behind = fixture.Allocate(5);
        fixture.Allocator.FreeExact(run, 288);
        Assert.True(fixture.Allocator.TryAllocateExact(288, FrameFlags.None, out Pfn again, out _));
        Assert.Equal(run, again);
        fixture.Allocator.FreeExact(again, 288);
        fixture.FreeAll([behind], 5);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_run_can_be_had_again_where_it_was_unless_somebody_took_of_it(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        IFrameAllocator allocator = fixture.Allocator;
        foreach (uint frames in new uint[] { 1, 2, 16, 18, 64, 128, 300, 512 })
        {
            Assert.True(allocator.TryAllocateExact(frames, FrameFlags.None, out Pfn run, out _));
            Assert.False(allocator.TryAllocateAt(run, frames, out _), "It is taken.");
            allocator.FreeExact(run, frames);
            bool mustKnow = fixture.KnowsPlaces(frames);
            bool again = allocator.TryAllocateAt(run, frames, out bool knownZero);
            Assert.True(again || !mustKnow, $"{frames} frames at {run} are free.");
            Assert.False(knownZero, "Whoever had it may have written there.");
            Assert.Equal(again ? frames : 0u, allocator.GetStatistics().AllocatedFrames);
            if (again)
            {
                Assert.False(allocator.TryAllocateAt(run, 1, out _), "Its first frame is taken.");
                Assert.False(allocator.TryAllocateAt(new Pfn(0), 512, out _), "Some frame of the 2 MiB is taken.");
                allocator.FreeExact(run, frames);
            }

            allocator.Validate();
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_place_that_is_no_place_is_refused(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 64);
        IFrameAllocator allocator = fixture.Allocator;
        allocator.Free(fixture.Allocate(1), new Order(1));
        Assert.False(allocator.TryAllocateAt(new Pfn(1), 2, out _), "Misaligned.");
        Assert.False(allocator.TryAllocateAt(new Pfn(fixture.Zone.FrameCount), 2, out _), "Outside of the zone.");
        Assert.False(allocator.TryAllocateAt(new Pfn(fixture.Zone.FrameCount - 2), 2, out _), "Nobody ever came as far.");
        Assert.False(allocator.TryAllocateAt(Pfn.None, 2, out _));
        Assert.Equal(0u, allocator.GetStatistics().AllocatedFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_run_grows_where_it_lies_until_somebody_has_what_is_behind_it(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        IFrameAllocator allocator = fixture.Allocator;
        Assert.True(allocator.TryAllocateExact(18, FrameFlags.None, out Pfn run, out _));
        uint frames = 18;
        foreach (uint longer in new uint[] { 19, 28, 32 })
        {
            bool grew = allocator.TryExtend(run, frames, longer);
            Assert.True(grew || !fixture.KnowsPlaces(frames), $"What is behind {frames} frames is free.");
            frames = grew ? longer : frames;
            Assert.Equal(frames, allocator.GetStatistics().AllocatedFrames);
            allocator.Validate();
        }

        Pfn behind = fixture.Allocate(4);
        if (behind.Value == run.Value + 32)
        {
            Assert.False(allocator.TryExtend(run, frames, 64), "Somebody has the frames behind it.");
            Assert.Equal(frames + 16, allocator.GetStatistics().AllocatedFrames);
        }

        fixture.FreeAll([behind], 4);
        allocator.FreeExact(run, frames);
        Assert.Equal(0u, allocator.GetStatistics().AllocatedFrames);
        allocator.Validate();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_run_grows_to_no_length_that_could_not_begin_there(FrameVariant variant)
    {
        using var fixture = new FrameFixture(variant, 4);
        IFrameAllocator allocator = fixture.Allocator;
        Pfn low = fixture.Allocate(4);
        Assert.True(allocator.TryAllocateExact(10, FrameFlags.None, out Pfn run, out _));

        // Mostly right behind the block before it; elsewhere when the scheduler has moved the thread.
        uint length = allocator.TryExtend(run, 10, 17) ? 17u : 10u;
        Assert.True(length == 10 || run.Value % 32 == 0, "A run of 17 frames begins at a multiple of 32.");
        Assert.False(allocator.TryExtend(low, 16, 512), "A whole block of 2 MiB is another thing than a run.");
        if (fixture.KnowsPlaces(10))
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => allocator.TryExtend(run, 10, 10));
            Assert.Throws<ArgumentOutOfRangeException>(() => allocator.TryExtend(run, 0, 10));
            Assert.Throws<ArgumentOutOfRangeException>(() => allocator.TryExtend(run, 10, 513));
        }

        allocator.FreeExact(run, length);
        fixture.FreeAll([low], 4);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(9)]
    public void A_place_under_report_is_refused_until_it_is_put_back(int order)
    {
        using var fixture = new FrameFixture(FrameVariant.LockFreeOneCore, 4);
        IFrameAllocator allocator = fixture.Allocator;
        Pfn place = fixture.Allocate(order);
        allocator.Free(place, new Order(order));
        allocator.Drain();
        var blocks = new Pfn[1];
        uint cursor = 0;
        Assert.Equal(1, allocator.Isolate(new Order(order), blocks, ref cursor));
        Assert.Equal(place, blocks[0]);
        Assert.False(allocator.TryAllocateAt(place, new Order(order).Frames, out _));
        Assert.False(allocator.TryAllocateAt(place, 2, out _));
        fixture.Platform.Discard((nuint)fixture.WordOf(place), new Order(order).Bytes, DiscardMode.Now);
        allocator.PutBack(blocks, new Order(order), FrameContent.ReportedZero);
        Assert.True(allocator.TryAllocateAt(place, new Order(order).Frames, out bool knownZero));
        Assert.True(knownZero);
        allocator.Free(place, new Order(order));
    }
}
