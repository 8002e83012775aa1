using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>What the bitmap loses and what it must not lose.</summary>
public sealed class DirtyBitmapFramesTests
{
    private const uint Megabytes = 8;
    private static readonly Order s_order = new(4);

    [Fact]
    public void A_block_that_was_taken_again_before_the_walk_is_lost_and_comes_back_with_its_next_free()
    {
        using FrameFixture fixture = Fixture(out DirtyBitmapFrames bitmap);
        Pfn frame = fixture.Allocate(4);
        bitmap.Free(frame, s_order);
        Assert.Equal(frame, fixture.Allocate(4));

        Assert.Empty(Walk(bitmap));
        Assert.Equal(1, bitmap.Lost);
        bitmap.Free(frame, s_order);
        Assert.Equal([frame], Walk(bitmap));
    }

    [Fact]
    public void A_part_dirties_the_whole_which_is_found_when_the_rest_is_free()
    {
        using FrameFixture fixture = Fixture(out DirtyBitmapFrames bitmap);
        Pfn[] parts = [fixture.Allocate(3), fixture.Allocate(3)];
        Assert.Equal(parts[0].Value + 8, parts[1].Value);

        bitmap.Free(parts[0], new Order(3));
        Assert.Empty(Walk(bitmap));
        bitmap.Free(parts[1], new Order(3));
        Assert.Equal([parts[0]], Walk(bitmap));
    }

    [Fact]
    public void A_large_block_dirties_all_its_parts()
    {
        using FrameFixture fixture = Fixture(out DirtyBitmapFrames bitmap);
        Pfn frame = fixture.Allocate(10);
        bitmap.Free(frame, Order.Max);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => new Pfn(frame.Value + ((uint)i * s_order.Frames))), Walk(bitmap));
        Assert.Equal(0, bitmap.Lost);
    }

    [Fact]
    public void What_the_device_refused_is_dirty_again()
    {
        using FrameFixture fixture = Fixture(out DirtyBitmapFrames bitmap);
        Pfn frame = fixture.Allocate(4);
        bitmap.Free(frame, s_order);
        Assert.Equal([frame], Walk(bitmap, FrameContent.Unknown));
        Assert.Equal([frame], Walk(bitmap));
        Assert.Empty(Walk(bitmap));
    }

    [Fact]
    public void Blocks_of_another_order_are_refused()
    {
        using FrameFixture fixture = Fixture(out DirtyBitmapFrames bitmap);
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.Begin(Order.Huge, Order.Huge, restart: true));
        Assert.Contains("order 4, not 9", refused.Message, StringComparison.Ordinal);
    }

    private static List<Pfn> Walk(DirtyBitmapFrames bitmap, FrameContent content = FrameContent.Reported)
    {
        List<Pfn> all = [];
        Span<FrameRange> ranges = stackalloc FrameRange[5];
        bitmap.Begin(Order.Huge, s_order, restart: true);
        while (!bitmap.IsAtEnd)
        {
            Span<FrameRange> found = ranges[..bitmap.Isolate(ranges, ulong.MaxValue)];
            all.AddRange(found.ToArray().Select(r => r.Frame));
            bitmap.PutBack(found, content);
        }

        return all;
    }

    private static FrameFixture Fixture(out DirtyBitmapFrames bitmap)
    {
        DirtyBitmapFrames? made = null;
        var fixture = new FrameFixture(zone => [made = new DirtyBitmapFrames(new BuddyFrameAllocator(zone, perCorePages: false), s_order)], Megabytes);
        bitmap = made!;
        return fixture;
    }
}
