using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>What a space has of a page of 2 MiB when a part of it goes: the frames of that part are free at once, whoever takes it away and whoever holds the rest.</summary>
public sealed class HugeSplitTests
{
    private const int HugeBytes = 2 << 20;
    private const int PagesInBlock = 512;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void What_is_unmapped_of_a_block_is_free(FrameVariant variant)
    {
        using var fixture = new FaultFixture(megabytes: 32, variant: variant);
        const int Blocks = 4;
        ulong empty = Allocated(fixture);
        long area = Map(fixture, Blocks);
        ulong full = Allocated(fixture);
        Assert.InRange(full - empty, Blocks * (PagesInBlock + 1ul), (Blocks * (PagesInBlock + 1ul)) + 3);
        for (int block = 0; block < Blocks; block++)
        {
            // Of each another page is left: the first, one in between, the last.
            int kept = block * 170;
            Unmap(fixture, area + ((long)block * HugeBytes), 0, kept);
            Unmap(fixture, area + ((long)block * HugeBytes), kept + 1, PagesInBlock);
            Assert.Equal(kept + 1, fixture.Space.Read<long>(area + ((long)block * HugeBytes) + ((long)kept * Page)));
        }

        Assert.Equal(full - (Blocks * (PagesInBlock - 1ul)), Allocated(fixture));
        Assert.Equal(0, fixture.Space.GetStatistics().HugeBlocks);
        fixture.Space.Validate();
    }

    [Fact]
    public void What_is_discarded_of_a_block_is_free()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        ulong full = Allocated(fixture);
        fixture.Space.Advise(area + (10 * Page), 100 * Page, MemoryAdvice.DoNotNeed);
        Assert.Equal(full - 100, Allocated(fixture));
        AssertStamped(fixture.Space, area, 0, 10);
        AssertStamped(fixture.Space, area, 110, PagesInBlock);
        Assert.Equal(0L, fixture.Space.Read<long>(area + (50 * Page)));
    }

    [Fact]
    public void A_pinned_page_stays_when_the_rest_of_its_block_goes()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        ulong empty = Allocated(fixture);
        long area = Map(fixture, 1);
        using (PagePin pin = fixture.Space.Pin(area, 1))
        {
            fixture.Space.Unmap(area, HugeBytes);
            Assert.Equal(empty + 1, Allocated(fixture));
            Assert.Equal(1, pin.GetReadOnlySpan(0)[0]);
        }

        Assert.Equal(empty, Allocated(fixture));
    }

    [Fact]
    public void A_leased_page_stays_when_the_rest_of_its_block_goes()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        ulong empty = Allocated(fixture);
        long area = Map(fixture, 1);
        using (ReadLease lease = fixture.Space.LeaseRead(area + (3 * Page), 1))
        {
            fixture.Space.Unmap(area, HugeBytes);
            Assert.InRange(Allocated(fixture) - empty, 1ul, 4ul);
            Assert.Equal(4, lease.Span[0]);
        }

        fixture.Space.FreeUnused();
        Assert.Equal(empty, Allocated(fixture));
    }

    [Fact]
    public void Pages_that_a_fork_has_stay_until_it_lets_them_go()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        ulong empty = Allocated(fixture);
        long area = Map(fixture, 1);
        using (AddressSpace child = fixture.Space.Fork())
        {
            ulong both = Allocated(fixture);
            fixture.Space.Unmap(area, HugeBytes);
            Assert.InRange(both - Allocated(fixture), 0ul, 3ul);
            AssertStamped(child, area, 0, PagesInBlock);
            ulong shared = Allocated(fixture);
            child.Unmap(area, 100 * Page);
            Assert.Equal(shared - 100, Allocated(fixture));

            // A page that is written to by its only owner is written where it is.
            child.Write(area + (200 * Page), -1L);
            Assert.Equal(shared - 100, Allocated(fixture));
            AssertStamped(child, area, 100, 200);
            child.Validate();
        }

        Assert.Equal(empty, Allocated(fixture));
    }

    [Fact]
    public void Pages_that_two_spaces_copied_are_free()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        using AddressSpace child = fixture.Space.Fork();
        ulong both = Allocated(fixture);
        for (int i = 0; i < 20; i++)
        {
            fixture.Space.Write(area + (i * Page), -1L);
        }

        // The parent's copies are new; the child has what was there, and gives some of it up.
        fixture.Space.FreeUnused();
        Assert.Equal(both + 20, Allocated(fixture));
        child.Unmap(area, 10 * Page);
        Assert.Equal(both + 10, Allocated(fixture));
        AssertStamped(fixture.Space, area, 20, PagesInBlock);
        AssertStamped(child, area, 10, PagesInBlock);
    }

    [Fact]
    public void A_part_that_moves_keeps_its_frames_and_gives_them_back_from_where_it_is()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        long target = fixture.Space.Map(100 * Page, Protection.ReadWrite);
        ulong full = Allocated(fixture);
        long moved = fixture.Space.Remap(area, 100 * Page, 100 * Page, RemapFlags.MayMove | RemapFlags.Fixed, target);
        Assert.Equal(target, moved);
        ulong after = Allocated(fixture);
        Assert.InRange(after - full, 0ul, 3ul);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(i + 1, fixture.Space.Read<long>(moved + (i * Page)));
        }

        fixture.Space.Unmap(moved + (50 * Page), 20 * Page);
        Assert.Equal(after - 20, Allocated(fixture));
        AssertStamped(fixture.Space, area, 100, PagesInBlock);
        fixture.Space.Validate();
    }

    [Fact]
    public void Frames_of_a_block_under_a_limit_go_back_as_their_pages_leave()
    {
        const int Limit = 600;
        using var fixture = new FaultFixture(megabytes: 32, residentMax: Limit);
        long area = fixture.Space.Map(HugeBytes, Protection.ReadWrite, MapFlags.HugePages);
        Stamp(fixture, area);
        Assert.True(fixture.Tables.TryCollapse<NoPause>((ulong)area >> 12));
        Assert.Equal(1, fixture.Space.GetStatistics().HugeBlocks);
        fixture.Space.Validate();
        ulong full = Allocated(fixture);
        long left = fixture.Space.Reclaim(100);
        left += fixture.Space.Reclaim(100);
        Assert.InRange(left, 1, PagesInBlock);
        Assert.Equal(full - (ulong)left, Allocated(fixture));
        Assert.Equal(0, fixture.Space.GetStatistics().HugeBlocks);
        fixture.Space.Validate();
        AssertStamped(fixture.Space, area, 0, PagesInBlock);
    }

    [Fact]
    public void A_leaf_of_a_split_block_is_gathered_again()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        ulong full = Allocated(fixture);
        fixture.Space.Advise(area + (7 * Page), Page, MemoryAdvice.DoNotNeed);
        using (fixture.Space.Faults.PauseCollapse())
        {
            fixture.Space.Write(area + (7 * Page), 8L);
            Assert.Equal(full, Allocated(fixture));
        }

        Assert.True(fixture.Space.Faults.Collapse((ulong)area >> 12));
        Assert.Equal((1, full), (fixture.Space.GetStatistics().HugeBlocks, Allocated(fixture)));
        AssertStamped(fixture.Space, area, 0, PagesInBlock);
    }

    private static ulong Allocated(FaultFixture fixture)
    {
        fixture.Frames.Drain();
        return fixture.Frames.GetStatistics().AllocatedFrames;
    }

    private static long Map(FaultFixture fixture, int blocks)
    {
        long area = fixture.Space.Map((long)blocks * HugeBytes, Protection.ReadWrite, MapFlags.HugePages);
        for (int block = 0; block < blocks; block++)
        {
            Stamp(fixture, area + ((long)block * HugeBytes));
        }

        Assert.Equal(blocks, fixture.Space.GetStatistics().HugeBlocks);
        return area;
    }

    private static void Unmap(FaultFixture fixture, long block, int first, int end)
    {
        if (first < end)
        {
            fixture.Space.Unmap(block + (first * Page), (end - first) * Page);
        }
    }

    private static void Stamp(FaultFixture fixture, long area)
    {
        for (int i = 0; i < PagesInBlock; i++)
        {
            fixture.Space.Write(area + (i * Page), (long)i + 1);
        }
    }

    private static void AssertStamped(AddressSpace space, long area, int first, int end)
    {
        for (int i = first; i < end; i++)
        {
            Assert.Equal(i + 1, space.Read<long>(area + (i * Page)));
        }
    }
}
