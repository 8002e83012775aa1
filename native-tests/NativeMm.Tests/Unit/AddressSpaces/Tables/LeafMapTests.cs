using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Runtime;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Tables;

/// <summary>The map of the leaves says what the tables say, wherever leaves come and go, and nothing where there is none.</summary>
public sealed unsafe class LeafMapTests
{
    private const int Page = FaultFixture.Page;
    private const long Leaf = SpaceReleaseFixture.Leaf;
    private const long Gib = 1L << 30;

    [Theory]
    [InlineData(TeardownStrategy.Inline)]
    [InlineData(TeardownStrategy.RangeSplit)]
    public void Leaves_of_a_range_that_is_unmapped_are_forgotten_at_every_level(TeardownStrategy strategy)
    {
        using var fixture = new SpaceReleaseFixture(strategy);
        AddressSpace space = fixture.Space;
        (long Address, long Length, long[] Touched)[] shapes =
        [
            (4 * Gib, 2 * Leaf, [0, Leaf, (2 * Leaf) - Page]),
            ((4 * Gib) + Page, Leaf, [0, Leaf - Page]),
            ((5 * Gib) - Leaf, (3 * Gib) + (2 * Leaf), [0, Leaf, Gib, (2 * Gib) + (7 * Leaf), (3 * Gib) + Leaf]),
            (512 * Gib, 512 * Gib, [0, Leaf, 100 * Gib, (512 * Gib) - Page]),
            (256 * Gib, 1024 * Gib, [0, 255 * Gib, 256 * Gib, 700 * Gib, 800 * Gib, (1024 * Gib) - Page]),
        ];
        foreach ((long address, long length, long[] touched) in shapes)
        {
            for (int round = 0; round < 2; round++)
            {
                Assert.Equal(address, space.Map(length, Protection.ReadWrite, MapFlags.FixedNoReplace, address));
                foreach (long at in touched)
                {
                    Assert.Equal(0L, space.Read<long>(address + at));
                    space.Write(address + at, at + 1);
                    Assert.Equal(IsKnown(address + at), LeafOf(space, address + at) != null);
                }

                Assert.All(touched, at => Assert.Equal(at + 1, space.Read<long>(address + at)));
                space.Validate();
                space.Unmap(address, length);
                Assert.All(touched, at => Assert.True(LeafOf(space, address + at) == null, $"{address + at:x}"));
                Assert.Throws<AddressFaultException>(() => space.Read<long>(address + touched[^1]));
            }
        }
    }

    [Fact]
    public void A_leaf_that_stays_is_known_and_one_that_moves_is_known_where_it_is()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Leaf, Protection.ReadWrite, MapFlags.FixedNoReplace, Gib);
        fixture.Space.Write(area, 1L);
        fixture.Space.Write(area + Leaf, 2L);
        fixture.Space.Unmap(area + Page, Page);
        Assert.True(LeafOf(fixture.Space, area) != null);
        long moved = fixture.Space.Remap(area + Leaf, Leaf, Leaf, RemapFlags.Fixed | RemapFlags.MayMove, 3 * Gib);
        Assert.Equal(2L, fixture.Space.Read<long>(moved));
        Assert.True(LeafOf(fixture.Space, area + Leaf) == null && LeafOf(fixture.Space, moved) != null);
        Assert.Equal(1L, fixture.Space.Read<long>(area));
    }

    [Fact]
    public void What_the_map_takes_is_counted()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using AddressSpace space = runtime.CreateAddressSpace();
        Assert.Equal(0, space.GetStatistics().LeafMapBytes);
        for (int gib = 1; gib <= 3; gib++)
        {
            // So far apart that each has a page of the map for itself, whatever the system's page is.
            space.Map(Page, Protection.ReadWrite, MapFlags.FixedNoReplace, gib * 16 * Gib);
            space.Write(gib * 16 * Gib, 1L);
            Assert.Equal(gib * Environment.SystemPageSize, space.GetStatistics().LeafMapBytes);
        }
    }

    [Fact]
    public void Behind_the_map_everything_works_without_it()
    {
        using var fixture = new FaultFixture();
        const long End = (long)LeafMap.PagesMax * Page;
        AddressSpace space = fixture.Space;
        space.Map(2 * Page, Protection.ReadWrite, MapFlags.FixedNoReplace, End - Page);
        for (int round = 0; round < 2; round++)
        {
            var value = new Int128((ulong)round, 0x0123_4567_89ab_cdef);
            space.Write(End - 8, value);
            Assert.Equal(value, space.Read<Int128>(End - 8));
            space.Write(End, (long)round);
            Assert.Equal(round, space.Read<long>(End));
            using (WriteLease lease = space.LeaseWrite(End + 8, 1))
            {
                lease.Span[0] = (byte)(7 + round);
            }

            Assert.Equal(7 + round, space.Read<byte>(End + 8));
        }
    }

    [Fact]
    public void A_refused_map_costs_no_access()
    {
        var platform = new FaultyPlatform();
        int without = 0;
        using (var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false }, platform, isShared: false))
        {
            runtime.CreateAddressSpace().Dispose();
            for (int n = 1; n < 6; n++)
            {
                platform.FailCall(n, kind: PlatformCall.Reserve);
                AddressSpace? space = null;
                try
                {
                    space = runtime.CreateAddressSpace();
                    long area = space.Map(Page, Protection.ReadWrite);
                    space.Write(area, 5L);
                    using ReadLease lease = space.LeaseRead(area, 8);
                    Assert.Equal((5L, 5), (space.Read<long>(area), lease.Span[0]));
                    without += space.Tables.Leaves.Words == LeafMap.None ? 1 : 0;
                }
                catch (OutOfMemoryException)
                {
                    // Another reservation was refused.
                }

                platform.FailNothing();
                space?.Dispose();
            }
        }

        Assert.Equal(1, without);
        platform.AssertNothingLeaked();
    }

    [Fact]
    public void The_map_of_a_space_that_ended_goes_with_the_last_lease()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 5L);
        ReadLease lease = fixture.Space.LeaseRead(area, 8);
        fixture.Space.Dispose();
        Assert.NotEqual(LeafMap.None, fixture.Tables.Leaves.Words);
        lease.Dispose();
        Orphans.Flush();
        Assert.Equal(LeafMap.None, fixture.Tables.Leaves.Words);
        Assert.Throws<ObjectDisposedException>(() => fixture.Space.Read<long>(area));
    }

    [Fact]
    public void A_map_that_is_wrong_is_named()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 5L);
        ulong page = (ulong)area >> 12;
        ulong* leaf = LeafOf(fixture.Space, area);
        fixture.Tables.Leaves.Clear(page);
        Assert.Equal(5L, fixture.Space.Read<long>(area));
        Assert.Contains($"{page & ~511ul:x}", Assert.Throws<InvariantViolationException>(fixture.Space.Validate).Message, StringComparison.Ordinal);
        fixture.Tables.Leaves.Set(page, leaf);
        fixture.Tables.Leaves.Set(page + 512, leaf);
        Assert.Contains($"{(page & ~511ul) + 512:x}", Assert.Throws<InvariantViolationException>(fixture.Space.Validate).Message, StringComparison.Ordinal);
        fixture.Tables.Leaves.Clear(page + 512);
    }

    private static bool IsKnown(long address) => (ulong)address >> 12 < LeafMap.PagesMax;

    private static ulong* LeafOf(AddressSpace space, long address) => space.Tables.Leaves.LeafOf((ulong)address >> 12);
}
