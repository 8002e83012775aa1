using NativeMm.Platform;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Model.Vmap;

/// <summary>
/// Aligned requests in large, fragmented windows against a scan of a bitmap that knows when the lowest fit is given up: when so many ranges that are
/// long enough fail by their alignment, the lowest range is taken that is longer by the alignment less a page, and only if there is none the lowest fit.
/// </summary>
public sealed class AlignedFitModelTests
{
    private const int Pages = 8192;

    [Theory]
    [InlineData(1, 0, false)]
    [InlineData(2, 5, false)]
    [InlineData(3, 4093, false)]
    [InlineData(4, 0, true)]
    [InlineData(5, 7, true)]
    [InlineData(6, 1024, true)]
    public void Every_search_is_what_a_scan_gives(int seed, int firstPage, bool withoutLongRanges)
    {
        const int Steps = 1500;
        const int StepsToValidate = 25;
        var random = new Random(seed);
        using RangeTree tree = RangeTreeModelTests.Make((nuint)firstPage, Pages);
        bool[] free = Fragment(tree, random, (uint)firstPage, withoutLongRanges);
        var taken = new List<PageRange>();
        var count = new Dictionary<Way, int>();
        for (int step = 0; step < Steps; step++)
        {
            // As much is given as is taken, so that the window stays as it is.
            if (taken.Count > 40)
            {
                int which = random.Next(taken.Count);
                tree.Give(taken[which]);
                Array.Fill(free, true, (int)taken[which].Start, (int)taken[which].Pages);
                taken.RemoveAt(which);
            }

            uint pages = (uint)random.Next(1, 9);
            uint align = 1u << random.Next(0, 6);
            (Way way, int expected) = Scan(free, pages, align, (uint)firstPage);
            count[way] = count.GetValueOrDefault(way) + 1;
            bool took = tree.TryTake(pages, align, out uint start);
            Assert.True(
                took == expected >= 0 && (!took || start == (uint)expected),
                $"Seed {seed}, step {step}: {pages} pages at a multiple of {align} are at {(took ? (int)start : -1)}, not at {expected}, the {way}.");
            if (took)
            {
                Array.Fill(free, false, (int)start, (int)pages);
                taken.Add(new PageRange(start, pages));
            }

            if (step % StepsToValidate == 0)
            {
                tree.Validate();
                Assert.Equal(free.Count(page => page), (int)tree.Pages);
            }
        }

        // Otherwise nothing was shown about the search that gives first fit up.
        Way special = withoutLongRanges ? Way.LowestBehindManyProbes : Way.Padded;
        Assert.True(count.GetValueOrDefault(special) >= 50, $"Seed {seed}: only {count.GetValueOrDefault(special)} searches took the way {special}.");
        Assert.True(count.GetValueOrDefault(Way.Lowest) >= 50, $"Seed {seed}: only {count.GetValueOrDefault(Way.Lowest)} searches took the usual way.");
    }

    /// <summary>
    /// Many ranges of eight pages of which none lies well for half of their length; here and there one that does, and behind them, or not, long ones.
    /// </summary>
    private static bool[] Fragment(RangeTree tree, Random random, uint firstPage, bool withoutLongRanges)
    {
        const int Piece = 16;
        var free = new bool[Pages];
        int end = withoutLongRanges ? Pages : Pages - 1024;
        for (int at = Piece - (int)(firstPage % Piece); at + Piece <= end; at += Piece)
        {
            // Early in the window a piece never begins at a multiple of eight; late in it, it may.
            bool liesWell = at > Pages * 5 / 8 && random.Next(8) == 0;
            Give(tree, free, at + (liesWell ? 0 : 1), 8);
        }

        for (int at = end; !withoutLongRanges && at + 200 <= Pages; at += 200)
        {
            Give(tree, free, at + random.Next(1, 40), random.Next(60, 150));
        }

        return free;
    }

    private static void Give(RangeTree tree, bool[] free, int start, int pages)
    {
        tree.Give(new PageRange((uint)start, (uint)pages));
        Array.Fill(free, true, start, pages);
    }

    private static (Way Way, int Start) Scan(bool[] free, uint pages, uint align, uint firstPage)
    {
        int inVain = 0;
        int padded = -1;
        for (int start = Next(free, 0, true); start < free.Length; start = Next(free, start, true))
        {
            int end = Next(free, start, false);
            int aligned = (int)(((firstPage + (uint)start + align - 1) & ~(align - 1)) - firstPage);
            if (aligned + pages <= end && inVain < RangeTree.ProbesMax)
            {
                return (Way.Lowest, aligned);
            }

            padded = padded < 0 && end - start >= pages + align - 1 ? aligned : padded;
            inVain += end - start >= pages && aligned + pages > end ? 1 : 0;
            start = end;
        }

        if (inVain < RangeTree.ProbesMax || padded >= 0)
        {
            return (padded >= 0 ? Way.Padded : Way.None, padded);
        }

        int lowest = LowestFit(free, pages, align, firstPage);
        return (lowest >= 0 ? Way.LowestBehindManyProbes : Way.None, lowest);
    }

    private static int LowestFit(bool[] free, uint pages, uint align, uint firstPage)
    {
        for (int at = (int)(((firstPage + align - 1) & ~(align - 1)) - firstPage); at + pages <= free.Length; at += (int)align)
        {
            if (free.AsSpan(at, (int)pages).IndexOf(false) < 0)
            {
                return at;
            }
        }

        return -1;
    }

    private static int Next(bool[] free, int from, bool wanted)
    {
        int found = free.AsSpan(from).IndexOf(wanted);
        return found < 0 ? free.Length : from + found;
    }

    private enum Way
    {
        None,
        Lowest,
        Padded,
        LowestBehindManyProbes,
    }
}
