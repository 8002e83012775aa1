using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Model.Vmap;

/// <summary>The tree of ranges against a bitmap that is searched from its begin, after every step of seeded histories.</summary>
public sealed class RangeTreeModelTests
{
    private const int Pages = 384;

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 5)]
    [InlineData(4, 4093)]
    [InlineData(5, 1)]
    [InlineData(6, 1024)]
    public void Every_search_is_the_lowest_fit_of_a_linear_scan(int seed, int firstPage)
    {
        const int Steps = 6000;
        var random = new Random(seed);
        using RangeTree tree = Make((nuint)firstPage, Pages);
        var free = new bool[Pages];
        var taken = new List<PageRange>();
        var history = new List<string>();
        tree.Give(new PageRange(0, Pages));
        Array.Fill(free, true);
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                if (taken.Count == 0 || random.Next(100) < 54)
                {
                    Take(tree, free, taken, random, history, (uint)firstPage);
                }
                else
                {
                    Give(tree, free, taken, random, history);
                }

                tree.Validate();
                Assert.Equal(LongestRun(free), tree.Largest);
                Assert.Equal(free.Count(page => page), (int)tree.Pages);
                Assert.Equal(Runs(free), tree.Count);
            }
        }
        catch (Exception problem)
        {
            throw new InvalidOperationException($"Seed {seed}: {string.Join(" ", history.TakeLast(60))}", problem);
        }
    }

    [Fact]
    public void A_window_full_of_misaligned_ranges_still_serves_an_aligned_request()
    {
        const uint Big = 1 << 16;
        using RangeTree tree = Make(0, Big);

        // More ranges of eight pages than are tried one by one, none of them at a multiple of eight; behind them one that is longer.
        for (uint at = 1; at < 8192; at += 16)
        {
            tree.Give(new PageRange(at, 8));
        }

        tree.Give(new PageRange(9001, 40));
        Assert.True(tree.TryTake(8, 8, out uint start));
        Assert.Equal(9008u, start);
        tree.Validate();
    }

    [Fact]
    public void Overlaps_are_refused()
    {
        using RangeTree tree = Make(0, 100);
        tree.Give(new PageRange(10, 10));
        Assert.Throws<InvariantViolationException>(() => tree.Give(new PageRange(19, 2)));
        Assert.Throws<InvariantViolationException>(() => tree.Give(new PageRange(5, 6)));
        Assert.Throws<InvariantViolationException>(() => tree.Give(new PageRange(12, 2)));
        Assert.Equal(10, tree.Pages);
        tree.Validate();
    }

    [Theory]
    [InlineData(10, 4, RangeFit.LeftEdge)]
    [InlineData(16, 4, RangeFit.RightEdge)]
    [InlineData(12, 4, RangeFit.Inside)]
    [InlineData(10, 10, RangeFit.Full)]
    public void Fits_are_told_apart_and_leave_the_rest(uint start, uint pages, object fit)
    {
        using RangeTree tree = Make(0, 100);
        var whole = new PageRange(10, 10);
        var taken = new PageRange(start, pages);
        tree.Give(whole);
        Assert.Equal(fit, RangeTree.FitOf(whole, taken));
        Assert.True(tree.TryTakeAt(taken));
        Assert.False(tree.TryTakeAt(taken));
        Assert.Equal((RangeFit)fit switch { RangeFit.Full => 0, RangeFit.Inside => 2, _ => 1 }, (int)tree.Count);
        tree.Give(taken);
        Assert.Equal(1, tree.Count);
        Assert.Equal(10u, tree.Largest);
        tree.Validate();
    }

    private static void Take(RangeTree tree, bool[] free, List<PageRange> taken, Random random, List<string> history, uint firstPage)
    {
        uint pages = (uint)random.Next(1, random.Next(4) == 0 ? 40 : 6);
        uint align = 1u << random.Next(random.Next(2) == 0 ? 1 : 6);
        history.Add($"take {pages}/{align}");
        int expected = LowestFit(free, pages, align, firstPage);
        bool took = tree.TryTake(pages, align, out uint start);
        Assert.Equal(expected >= 0, took);
        if (took)
        {
            Assert.Equal((uint)expected, start);
            Array.Fill(free, false, (int)start, (int)pages);
            taken.Add(new PageRange(start, pages));
        }
    }

    private static void Give(RangeTree tree, bool[] free, List<PageRange> taken, Random random, List<string> history)
    {
        int which = random.Next(taken.Count);
        PageRange range = taken[which];
        history.Add($"give {range.Start}+{range.Pages}");
        taken.RemoveAt(which);
        tree.Give(range);
        Array.Fill(free, true, (int)range.Start, (int)range.Pages);
    }

    private static int LowestFit(bool[] free, uint pages, uint align, uint firstPage)
    {
        for (int at = 0; at + pages <= free.Length; at++)
        {
            if ((firstPage + at) % align == 0 && free.AsSpan(at, (int)pages).IndexOf(false) < 0)
            {
                return at;
            }
        }

        return -1;
    }

    private static uint LongestRun(bool[] free)
    {
        uint longest = 0;
        uint run = 0;
        foreach (bool page in free)
        {
            run = page ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return longest;
    }

    private static long Runs(bool[] free) => free.Where((page, at) => page && (at == 0 || !free[at - 1])).LongCount();

    /// <summary>A tree of a window whose pages may all be ranges of their own.</summary>
    internal static RangeTree Make(nuint firstPage, uint pages)
    {
        var tree = new RangeTree(new FreeSpaceGeometry(SystemPlatform.Current, firstPage, pages, pages));
        Assert.True(tree.TryOpen(pages).Succeeded);
        return tree;
    }
}
