using System.Diagnostics;
using NativeMm.Platform;
using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

public sealed class PageDiscardTests
{
    private const nuint MiB = 1 << 20;
    private static readonly nuint s_base = unchecked((nuint)0x10_0000_0000);
    private static readonly TimeSpan s_stepTime = TimeSpan.FromMilliseconds(2);

    [Fact]
    public void Steps_grow_to_what_a_kernel_with_one_lock_for_all_areas_may_take()
    {
        var platform = new ReleasingPlatform { IsDry = true, ByArea = false, Borders = [] };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => 0);

        discard.Discard(s_base, 1024 * MiB);

        Assert.Equal(64 * MiB, platform.Discards.Max(call => call.Bytes));
        Assert.Equal(PageDiscard.Grain, platform.Discards[0].Bytes);
        AssertCovers(platform, s_base, 1024 * MiB);
    }

    [Fact]
    public void Steps_are_larger_where_an_area_has_a_lock_of_its_own()
    {
        var platform = new ReleasingPlatform { IsDry = true, ByArea = true, Borders = [] };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => 0);

        discard.Discard(s_base, 1024 * MiB);

        Assert.Equal(128 * MiB, platform.Discards.Max(call => call.Bytes));
        AssertCovers(platform, s_base, 1024 * MiB);
    }

    /// <summary>A clock on which a call takes a millisecond for each 8 MiB.</summary>
    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 8)]
    public void Steps_settle_at_about_the_time_that_they_may_take(bool byArea, int milliseconds)
    {
        long now = 0;
        var platform = new ReleasingPlatform { IsDry = true, ByArea = byArea, Borders = [] };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => now);
        platform.Discarding = () => now += (long)(discard.StepBytes / (8 * MiB / (nuint)(Stopwatch.Frequency / 1000)));

        discard.Discard(s_base, 2048 * MiB);

        // Halved as soon as one was too long.
        nuint allowed = (nuint)milliseconds * 8 * MiB;
        AddressRange[] calls = platform.Discards;
        Assert.All(calls.Zip(calls.Skip(1)), pair => Assert.True(pair.First.Bytes <= allowed || pair.Second.Bytes < pair.First.Bytes || pair.Second.Address + pair.Second.Bytes == s_base + (2048 * MiB)));
        Assert.InRange(calls[^2].Bytes, allowed / 8, allowed);
        AssertCovers(platform, s_base, 2048 * MiB);
    }

    [Fact]
    public void No_call_crosses_a_border_or_cuts_a_huge_page()
    {
        nuint[] borders = [.. Enumerable.Range(1, 40).Select(i => s_base + ((nuint)i * 7 * MiB) + (nuint)(i * 4096))];
        var platform = new ReleasingPlatform { IsDry = true, Borders = borders };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => 0);

        discard.Discard(s_base + 4096, 512 * MiB);

        AssertCovers(platform, s_base + 4096, 512 * MiB);
        Assert.All(platform.Discards, call => Assert.DoesNotContain(borders, border => border > call.Address && border < call.Address + call.Bytes));
        Assert.All(platform.Discards, call => Assert.True(
            call.Address % PageDiscard.Grain == 0 || call.Address == s_base + 4096 || borders.Contains(call.Address), $"{call.Address:x}"));
    }

    [Fact]
    public void A_refusal_is_counted_and_the_rest_is_done()
    {
        var platform = new ReleasingPlatform { IsDry = true, RefuseEvery = 3, Borders = [] };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => 0);

        discard.Discard(s_base, 256 * MiB);

        AssertCovers(platform, s_base, 256 * MiB);
        Assert.Equal(platform.Discards.Length / 3, discard.Refusals);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Many_ranges_go_in_calls_that_last_no_longer_than_a_step(bool byArea)
    {
        var platform = new ReleasingPlatform { IsDry = true, ByArea = byArea };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => 0);
        AddressRange[] ranges = [.. Enumerable.Range(0, 32).Select(i => new AddressRange(s_base + ((nuint)i * 128 * MiB), i % 4 == 0 ? 64 * MiB : PageDiscard.Grain))];

        PlatformResult result = discard.Discard(ranges, DiscardMode.Now);

        Assert.True(result.Succeeded);
        Assert.Equal(ranges.Sum(range => (long)range.Bytes), platform.Discards.Sum(call => (long)call.Bytes));
        Assert.Equal(!byArea, platform.Discards.Length > ranges.Length);
    }

    [Fact]
    public void One_refused_range_of_many_is_told()
    {
        var platform = new ReleasingPlatform { IsDry = true, ByArea = false, RefuseEvery = 5 };
        var discard = new PageDiscard(platform, s_stepTime, clock: () => 0);

        PlatformResult result = discard.Discard([.. Enumerable.Range(0, 8).Select(i => new AddressRange(s_base + ((nuint)i * 8 * MiB), 4 * MiB))], DiscardMode.Now);

        Assert.Equal(ErrorNumber.Invalid, result.Errno);
    }

    private static void AssertCovers(ReleasingPlatform platform, nuint address, nuint bytes)
    {
        nuint at = address;
        foreach (AddressRange call in platform.Discards)
        {
            Assert.Equal(at, call.Address);
            at += call.Bytes;
        }

        Assert.Equal(address + bytes, at);
    }
}
