using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Model.AddressSpaces;

/// <summary>A tree of several levels against an array of pages: lookups, neighbours and holes, while it grows and while it shrinks.</summary>
public sealed unsafe class VmaTreeModelTests
{
    private const int Pages = 6000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_lookup_and_every_hole_is_what_a_scan_gives(int seed)
    {
        const int Rounds = 6;
        const int StepsARound = 700;
        var random = new Random(seed);
        using var fixture = new LayoutFixture(chunkBytes: VmaStore.DefaultChunkBytes);
        var mapped = new bool[Pages];
        for (int round = 0; round < Rounds; round++)
        {
            for (int step = 0; step < StepsARound; step++)
            {
                // Rounds of growth and of decline take turns; what is unmapped is long, so that whole nodes go.
                bool grows = random.Next(100) < (round % 2 == 0 ? 95 : 40);
                int start = random.Next(Pages);
                int end = int.Min(start + (grows ? random.Next(1, 4) : random.Next(1, 60)), Pages);
                if (grows && !mapped.AsSpan(start, end - start).Contains(true))
                {
                    // Areas that do not merge.
                    fixture.Map((ulong)start, (ulong)end, flags: VmaFlags.Special);
                    mapped.AsSpan(start, end - start).Fill(true);
                }
                else if (!grows)
                {
                    fixture.Unmap((ulong)start, (ulong)end);
                    mapped.AsSpan(start, end - start).Clear();
                }
            }

            fixture.Layout.Validate();
            CompareLookups(fixture, mapped);
            CompareHoles(fixture, mapped, random);
        }

        Assert.True(fixture.Layout.GetStatistics().Areas > 100);
        fixture.Unmap(0, Pages);
        Assert.Equal(0, fixture.Layout.GetStatistics().Areas);
        fixture.Layout.Validate();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Areas_in_order_and_against_it_make_a_tree_that_holds(bool descending)
    {
        const int Areas = 4000;
        using var fixture = new LayoutFixture(chunkBytes: VmaStore.DefaultChunkBytes);
        for (int i = 0; i < Areas; i++)
        {
            ulong page = 2 * (ulong)(descending ? Areas - i : i);
            fixture.Map(page, page + 1);
        }

        fixture.Layout.Validate();
        Assert.Equal(Areas, fixture.Layout.GetStatistics().Areas);

        // One change copies a path, not the tree.
        LayoutStatistics before = fixture.Layout.GetStatistics();
        fixture.Unmap(2000, 2001);
        Assert.InRange(fixture.Layout.GetStatistics().RetiredNodes - before.RetiredNodes, -1000, 12);
    }

    private static void CompareLookups(LayoutFixture fixture, bool[] mapped)
    {
        for (int page = 0; page < Pages; page++)
        {
            Vma* area = fixture.Find((ulong)page);
            Assert.Equal(mapped[page], area != null);
            Assert.True(area == null || area->Range.Contains(LayoutFixture.Base + (ulong)page));
        }
    }

    private static void CompareHoles(LayoutFixture fixture, bool[] mapped, Random random)
    {
        for (int i = 0; i < 200; i++)
        {
            int from = random.Next(Pages);
            int pages = random.Next(1, 40);
            bool found = fixture.Layout.Tree.TryFindHole(LayoutFixture.Pages((ulong)from, Pages), (ulong)pages, out VpnRange hole);
            (int Start, int End) expected = Hole(mapped, from, pages);
            Assert.Equal(expected.Start < Pages, found);
            if (found)
            {
                Assert.Equal(LayoutFixture.Pages((ulong)expected.Start, (ulong)expected.End), hole);
            }
        }
    }

    private static (int Start, int End) Hole(bool[] mapped, int from, int pages)
    {
        for (int start = from; start < Pages; start++)
        {
            int end = start;
            while (end < Pages && !mapped[end])
            {
                end++;
            }

            if (end - start >= pages)
            {
                return (start, end);
            }

            start = int.Max(start, end);
        }

        return (Pages, Pages);
    }
}
