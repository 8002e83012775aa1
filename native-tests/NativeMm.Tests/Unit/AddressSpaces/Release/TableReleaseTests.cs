using NativeMm.AddressSpaces;
using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Release;

/// <summary>Ranges of a space that are given back: every frame once, whatever is populated, by whatever strategy and width.</summary>
public sealed class TableReleaseTests
{
    private const long Base = 1L << 40;
    private const int Page = SpaceReleaseFixture.Page;
    private const long Leaf = SpaceReleaseFixture.Leaf;

    public static TheoryData<TeardownStrategy, int> Ways
    {
        get
        {
            var rows = new TheoryData<TeardownStrategy, int>();
            foreach (TeardownStrategy strategy in Enum.GetValues<TeardownStrategy>())
            {
                foreach (int width in new[] { 1, 2, 5 })
                {
                    rows.Add(strategy, width);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Every_frame_comes_back_once_and_what_is_beside_stays(TeardownStrategy strategy, int width)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width);
        AddressSpace space = fixture.Space;
        long before = fixture.AllocatedBytes();
        (long Address, long Length, IEnumerable<long> Pages)[] shapes =
        [
            (Base, 6 * Leaf, Numbers(6 * 512)),
            (Base + Page, (3 * Leaf) - (2 * Page), Numbers((3 * 512) - 2)),
            (Base + (511 * Leaf), 3 * Leaf, Numbers(3 * 512)),
            (Base + (7 * Page), 40L << 30, Numbers(40).SelectMany(gib => Numbers(3).Select(page => (gib << 18) + page))),
            ((1L << 46) - Leaf, 2 * Leaf, Numbers(1024)),
            (Base, 1L << 45, [0, 511, 512, (1L << 33) - 1]),
            (Base, 20 * Leaf, Numbers(20).Select(leaf => (leaf * 512) + 77)),
        ];
        foreach ((long address, long length, IEnumerable<long> pages) in shapes)
        {
            Populate(space, address, length, pages);
            long left = address - (2 * Page);
            long right = address + length + Page;
            SpaceReleaseFixture.Populate(space, left, Page);
            SpaceReleaseFixture.Populate(space, right, Page);
            space.Unmap(address, length);
            Assert.Throws<AddressFaultException>(() => space.Read<long>(address));
            Assert.Equal((left, right), (space.Read<long>(left), space.Read<long>(right)));
            space.Validate();
            space.Unmap(left, Page);
            space.Unmap(right, Page);
            fixture.Frames.AssertNoMistake();
            Assert.Equal((before, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        }

        Assert.Equal(strategy == TeardownStrategy.Inline ? 0 : 3 * shapes.Length, fixture.Workers.Statistics.Jobs);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void What_a_fork_has_as_well_is_let_go_of_and_comes_back_with_it(TeardownStrategy strategy, int width)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width);
        SpaceReleaseFixture.Populate(fixture.Space, Base, 4 * Leaf);
        using AddressSpace fork = fixture.Space.Fork();
        fork.Write(Base + Page, 5L);
        fixture.Space.Unmap(Base, 4 * Leaf);
        for (long at = Base; at < Base + (4 * Leaf); at += Page)
        {
            Assert.Equal(at == Base + Page ? 5L : at, fork.Read<long>(at));
        }

        fork.Unmap(Base, 4 * Leaf);
        Assert.Equal(2 * Page, fixture.AllocatedBytes());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_end_of_a_space_gives_everything_back(TeardownStrategy strategy, int width)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width);
        AddressSpace space = fixture.Make();
        SpaceReleaseFixture.Populate(space, Base, 5 * Leaf);
        Populate(space, 1L << 30, 30L << 30, Numbers(30).Select(gib => (gib << 18) + 9));
        space.Dispose();
        fixture.Frames.AssertNoMistake();
        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void What_is_leased_or_pinned_stays_until_it_is_not(TeardownStrategy strategy, int width)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width);
        AddressSpace space = fixture.Space;
        SpaceReleaseFixture.Populate(space, Base, 4 * Leaf);
        using (PagePin pin = space.Pin(Base + Leaf, Page, PageAccess.Read))
        {
            using ReadLease lease = space.LeaseRead(Base + (2 * Leaf), Page);
            space.Unmap(Base, 4 * Leaf);
            Assert.Equal(0, fixture.Releasing);
            Assert.InRange(space.GetStatistics().DeferredFrames, 1, 8);
            Assert.Equal(Base + (2 * Leaf), BitConverter.ToInt64(lease.Span));
            Assert.True(fixture.AllocatedBytes() >= 3 * Page);
        }

        space.Tables.Deferred.Flush();
        Assert.Equal(Page, fixture.AllocatedBytes());
    }

    [Theory]
    [InlineData(TeardownStrategy.RangeSplit)]
    [InlineData(TeardownStrategy.Batches)]
    public void Every_nth_frame_that_is_refused_changes_nothing_but_the_way(TeardownStrategy strategy)
    {
        for (int every = 1; every <= 6; every++)
        {
            using var fixture = new SpaceReleaseFixture(strategy, width: 2, threshold: 600);
            SpaceReleaseFixture.Populate(fixture.Space, Base + Leaf - Page, (5 * Leaf) + (2 * Page));
            SpaceReleaseFixture.Populate(fixture.Space, Base + (511 * Leaf), 2 * Leaf);
            fixture.Frames.RefuseEvery = every;
            fixture.Space.Unmap(Base + (Leaf / 2), 600 * Leaf);
            fixture.Frames.RefuseEvery = 0;
            Assert.True(fixture.Frames.Refusals > 0);
            Assert.Equal(fixture.Frames.Refusals, fixture.Workers.Statistics.InlineWithoutMemory);
            Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        }
    }

    [Fact]
    public void Below_the_floor_nothing_changes_and_no_frame_is_asked_for()
    {
        using var fixture = new SpaceReleaseFixture(floor: 4 * Leaf);
        SpaceReleaseFixture.Populate(fixture.Space, Base, 4 * Leaf);
        fixture.Frames.RefuseEvery = 1;
        fixture.Space.Unmap(Base, 4 * Leaf);
        Assert.Equal(0, fixture.Workers.Statistics.InlineBelowFloor);
        fixture.Frames.RefuseEvery = 0;
        SpaceReleaseFixture.Populate(fixture.Space, Base, 2 * Leaf);
        fixture.Frames.RefuseEvery = 1;
        fixture.Space.Unmap(Base, 1L << 45);
        fixture.Frames.RefuseEvery = 0;
        Assert.Equal(1, fixture.Workers.Statistics.InlineBelowFloor);
        Assert.Equal((0, 0L, 0), (fixture.Frames.Refusals, fixture.Workers.Statistics.Jobs, fixture.Workers.Threads));
    }

    [Fact]
    public void An_unmap_of_much_allocates_no_managed_memory()
    {
        foreach (TeardownStrategy strategy in new[] { TeardownStrategy.RangeSplit, TeardownStrategy.Batches })
        {
            using var fixture = new SpaceReleaseFixture(strategy);
            long bytes = ManagedBytes.Least(
                () =>
                {
                    SpaceReleaseFixture.Populate(fixture.Space, Base, 4 * Leaf);
                    return () => fixture.Space.Unmap(Base, 4 * Leaf);
                },
                warmUps: 2);
            Assert.True(bytes == 0, $"{strategy} takes {bytes} bytes.");
        }
    }

    [Fact]
    public void The_range_is_halved_by_what_is_populated()
    {
        using var fixture = new SpaceReleaseFixture(width: 4);
        AddressSpace space = fixture.Space;
        SpaceReleaseFixture.Populate(space, Base, Leaf);
        Populate(space, Base + (600L << 30), 30 * Leaf, Numbers(30).Select(leaf => leaf * 512));
        var release = new TableRelease(space.Tables, fixture.Workers);
        Assert.True(space.Tables.TryDetach(new VpnRange(0, PageTables.Pages - 1), release));
        Assert.Equal((31, 6), Halve(release, new WorkPiece(0, PageTables.Pages - 1), depth: 0));
        fixture.Workers.Run(release);
    }

    /// <summary>Halves a piece until it cannot be: how many pieces there are, and how often the deepest was halved.</summary>
    private static (int Pieces, int Depth) Halve(TableRelease release, WorkPiece piece, int depth)
    {
        WorkPiece all = piece;
        if (!release.TryHalve(ref piece, out WorkPiece half))
        {
            return (1, depth);
        }

        Assert.Equal((all.First, all.End, piece.End), (piece.First, half.End, half.First));
        (int left, int leftDepth) = Halve(release, piece, depth + 1);
        (int right, int rightDepth) = Halve(release, half, depth + 1);
        return (left + right, Math.Max(leftDepth, rightDepth));
    }

    private static IEnumerable<long> Numbers(long count) => Enumerable.Range(0, (int)count).Select(number => (long)number);

    private static void Populate(AddressSpace space, long address, long length, IEnumerable<long> pages)
    {
        Assert.Equal(address, space.Map(length, Protection.ReadWrite, MapFlags.FixedNoReplace, address));
        foreach (long page in pages)
        {
            space.Write(address + (page * Page), address + (page * Page));
        }
    }
}
