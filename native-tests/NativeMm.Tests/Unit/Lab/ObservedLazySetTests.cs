using System.Diagnostics;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Experiments.Vmalloc;
using NativeMm.Platform;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>What judges the bound must see a bound that is not kept.</summary>
public sealed unsafe class ObservedLazySetTests
{
    private static readonly FreeSpaceGeometry s_geometry = new(SystemPlatform.Current, 0, 1 << 10, 1 << 10);

    [Fact]
    public void Pages_count_until_they_are_given_back_and_every_add_above_the_bound_is_seen()
    {
        var clock = new PurgeClock();
        var outstanding = new OutstandingPages(s_geometry.Pages, bound: 10);
        using var space = new ObservedFreeSpace(s_geometry, outstanding, clock);
        using var set = new ObservedLazySet(new UnsortedLazySet(s_geometry), outstanding, clock);
        PageRange* pieces = stackalloc PageRange[16];
        Assert.True(space.TryTake(100, 1, out uint start, out _));
        set.Add(new PageRange(start, 4));
        set.Add(new PageRange(start + 10, 6));
        Assert.Equal((10, 10, 0), (outstanding.Now, outstanding.Peak, outstanding.OverBound));

        // Detached, and so being unmapped, they are as outstanding as before: a free at this moment is above the bound.
        Assert.Equal(2, set.Detach(pieces));
        set.Add(new PageRange(start + 20, 1));
        Assert.Equal((11, 11, 1), (outstanding.Now, outstanding.Peak, outstanding.OverBound));

        space.GiveMany(pieces, 2);
        Assert.Equal((1, 11, 1), (outstanding.Now, outstanding.Peak, outstanding.OverBound));
        set.Add(new PageRange(start + 30, 2));
        Assert.Equal((3, 11, 1), (outstanding.Now, outstanding.Peak, outstanding.OverBound));
        Assert.Equal(3, set.Validate());

        outstanding.Forget();
        Assert.Equal((3, 3, 0), (outstanding.Now, outstanding.Peak, outstanding.OverBound));
    }

    [Fact]
    public void A_piece_that_the_system_refused_to_unmap_counts_once_and_its_addresses_count_anew()
    {
        var clock = new PurgeClock();
        var outstanding = new OutstandingPages(s_geometry.Pages, bound: 10);
        using var space = new ObservedFreeSpace(s_geometry, outstanding, clock);
        using var set = new ObservedLazySet(new UnsortedLazySet(s_geometry), outstanding, clock);
        PageRange* pieces = stackalloc PageRange[16];
        Assert.True(space.TryTake(100, 1, out uint start, out _));
        var piece = new PageRange(start + 31, 7);
        set.Add(piece);
        Assert.Equal(1, set.Detach(pieces));
        set.Add(piece);
        Assert.Equal((7, 0), (outstanding.Now, outstanding.OverBound));

        Assert.Equal(1, set.Detach(pieces));
        space.GiveMany(pieces, 1);
        Assert.Equal(0, outstanding.Now);
        set.Add(piece);
        Assert.Equal((7, 7), (outstanding.Now, outstanding.Peak));
    }

    [Fact]
    public void A_purge_that_finds_nothing_is_none()
    {
        var clock = new PurgeClock();
        using var set = new ObservedLazySet(new UnsortedLazySet(s_geometry), new OutstandingPages(s_geometry.Pages, bound: 10), clock);
        PageRange* pieces = stackalloc PageRange[16];

        Assert.Equal(0, set.Detach(pieces));
        Assert.Equal(0, clock.Purges);
        set.Add(new PageRange(0, 1));
        Assert.Equal(1, set.Detach(pieces));
        Assert.Equal(1, clock.Purges);
    }

    [Fact]
    public void The_clock_keeps_the_longest_purge_up_to_its_last_range()
    {
        var clock = new PurgeClock();
        clock.Reset();
        clock.Detached(1_000);
        clock.GivenBack(1_400);
        clock.GivenBack(1_700);
        clock.Detached(5_000);
        clock.GivenBack(5_100);

        Assert.Equal(2, clock.Purges);
        Assert.Equal(700 * 1e9 / Stopwatch.Frequency, clock.LongestNanoseconds, 1e-6);
    }

    [Fact]
    public void A_free_space_that_is_observed_keeps_every_hold_and_tells_the_clock()
    {
        var clock = new PurgeClock();
        using var space = new ObservedFreeSpace(s_geometry, new OutstandingPages(s_geometry.Pages, bound: 10), clock);
        clock.Reset();
        clock.Detached(Stopwatch.GetTimestamp());
        Assert.True(space.TryTake(4, 1, out uint start, out _));
        space.ForgetHolds();
        PageRange piece = new(start, 4);
        space.GiveMany(&piece, 1);

        Assert.Equal(1, space.Holds.Count);
        Assert.True(clock.LongestNanoseconds > 0);
        Assert.Equal(1 << 10, space.Pages);
        space.Validate();
    }

    [Fact]
    public void A_platform_that_maps_nothing_still_maps_where_nothing_is_reserved()
    {
        var platform = new UnmappedPlatform(SystemPlatform.Current);
        const nuint Bytes = 1 << 16;
        Assert.True(platform.Reserve(Bytes, platform.PageBytes, out nuint reserved).Succeeded);
        *(byte*)reserved = 7;
        Assert.True(platform.MapFile(-1, 0, Bytes, reserved, out nuint mapped).Succeeded);
        Assert.True(platform.Revoke(reserved, Bytes).Succeeded);
        Assert.True(platform.InstallGuard(reserved, Bytes).Succeeded);

        Assert.Equal(reserved, mapped);
        Assert.Equal(7, *(byte*)reserved);
        Assert.False(platform.MapFile(-1, 0, Bytes, 0, out _).Succeeded);
        Assert.True(platform.Release(reserved, Bytes).Succeeded);
    }
}
