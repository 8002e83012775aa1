using NativeMm.AddressSpaces;
using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Release;

/// <summary>Blocks of 2 MiB in a range that is given back: as they are, or frame by frame where some of it went before, or stays.</summary>
public sealed class HugeReleaseTests
{
    private const long Base = 1L << 40;
    private const int Blocks = 6;
    private const int Page = SpaceReleaseFixture.Page;
    private const long Leaf = SpaceReleaseFixture.Leaf;

    public static TheoryData<TeardownStrategy, int> Ways => TableReleaseTests.Ways;

    [Theory]
    [MemberData(nameof(Ways))]
    public void Every_frame_of_blocks_comes_back_once_but_for_what_is_pinned(TeardownStrategy strategy, int width)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width);
        AddressSpace space = fixture.Space;
        long before = fixture.AllocatedBytes();
        Populate(space);
        long full = fixture.AllocatedBytes();

        // Of one block a part is gone already, of another one a page stays, which is its first.
        space.Advise(Base + Leaf + (5 * Page), 100 * Page, MemoryAdvice.DoNotNeed);
        Assert.Equal(full - (100 * Page), fixture.AllocatedBytes());
        using (PagePin pin = space.Pin(Base + (2 * Leaf), Page))
        {
            space.Unmap(Base, Blocks * Leaf);
            Assert.Equal((before + Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
            Assert.Equal(Base + (2 * Leaf), BitConverter.ToInt64(pin.GetReadOnlySpan(0)));
        }

        Assert.Equal(before, fixture.AllocatedBytes());
        fixture.Frames.AssertNoMistake();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void The_end_of_one_space_leaves_the_blocks_to_its_fork(TeardownStrategy strategy, int width)
    {
        using var fixture = new SpaceReleaseFixture(strategy, width);
        AddressSpace space = fixture.Make();
        Populate(space);
        using (AddressSpace fork = space.Fork())
        {
            fork.Unmap(Base + Leaf, Page);
            space.Dispose();
            for (long at = Base; at < Base + (Blocks * Leaf); at += Page)
            {
                Assert.True(at == Base + Leaf || fork.Read<long>(at) == at);
            }

            long whole = fixture.Frames.Allocated;
            fork.Unmap(Base + (3 * Leaf), 7 * Page);
            Assert.Equal(whole - 7, fixture.Frames.Allocated);
        }

        Assert.Equal((Page, 0L), (fixture.AllocatedBytes(), fixture.Releasing));
        fixture.Frames.AssertNoMistake();
    }

    private static void Populate(AddressSpace space)
    {
        Assert.Equal(Base, space.Map(Blocks * Leaf, Protection.ReadWrite, MapFlags.FixedNoReplace | MapFlags.HugePages, Base));
        for (long at = Base; at < Base + (Blocks * Leaf); at += Page)
        {
            space.Write(at, at);
        }

        Assert.Equal(Blocks, space.GetStatistics().HugeBlocks);
    }
}
