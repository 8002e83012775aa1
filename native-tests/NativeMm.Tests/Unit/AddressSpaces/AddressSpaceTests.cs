using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>The layout as programs see it: addresses and lengths in bytes, and what is said to those who ask for what cannot be.</summary>
public sealed class AddressSpaceTests : IDisposable
{
    private const long Page = AddressSpace.PageBytes;
    private const long There = 1L << 30;
    private readonly SpaceFixture _fixture = new(new AddressSpaceOptions { AreasMax = 8, Name = "tested" });

    private AddressSpace Space => _fixture.Space;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Lengths_are_rounded_up_to_pages_and_the_lowest_address_is_not_null()
    {
        Assert.Equal(AddressSpace.LowestAddress, Space.Map(1, Protection.ReadWrite));
        Assert.Equal(AddressSpace.LowestAddress + Page, Space.Map(Page + 1, Protection.Read));
        Assert.Equal(
            [
                new AreaInfo(AddressSpace.LowestAddress, Page, Protection.ReadWrite, MapFlags.None),
                new AreaInfo(AddressSpace.LowestAddress + Page, 2 * Page, Protection.Read, MapFlags.None),
            ],
            Space.GetAreas());
        Space.Unmap(AddressSpace.LowestAddress, 1);
        Assert.Single(Space.GetAreas());
    }

    [Fact]
    public void Areas_are_found_and_written_as_the_kernel_lists_them()
    {
        Space.Map(4 * Page, Protection.ReadWrite, MapFlags.FixedNoReplace | MapFlags.HugePages, There);
        Space.Protect(There + Page, Page, Protection.None);
        Assert.Equal(
            [
                "0x40000000–0x40001000 ReadWrite HugePages",
                "0x40001000–0x40002000 None HugePages",
                "0x40002000–0x40004000 ReadWrite HugePages",
            ],
            Space.GetAreas().Select(area => area.ToString()));
        Assert.True(Space.TryFindArea(There + Page + 5, out AreaInfo found));
        Assert.Equal(new AreaInfo(There + Page, Page, Protection.None, MapFlags.HugePages), found);
        Assert.True(Space.TryFindArea(0, out found));
        Assert.Equal(There, found.Address);
        Assert.False(Space.TryFindArea(There + (4 * Page), out _));
    }

    [Fact]
    public void Advice_for_huge_pages_splits_and_merges_areas()
    {
        Space.Map(4 * Page, Protection.ReadWrite, MapFlags.Fixed, There);
        Space.Advise(There + Page, Page, MemoryAdvice.HugePages);
        Assert.Equal(3, Space.GetAreas().Count);
        Space.Advise(There + Page, Page, MemoryAdvice.NoHugePages);
        Assert.Single(Space.GetAreas());
        Space.Advise(There, 4 * Page, MemoryAdvice.WillNeed);
        Space.Advise(There, 4 * Page, MemoryAdvice.Cold);
        Space.Advise(There, 4 * Page, MemoryAdvice.DoNotNeed);
        Assert.Single(Space.GetAreas());
    }

    [Fact]
    public void A_remap_grows_moves_and_shrinks()
    {
        Space.Map(2 * Page, Protection.ReadWrite, MapFlags.Fixed, There);
        Space.Map(Page, Protection.Read, MapFlags.Fixed, There + (4 * Page));
        Assert.Equal(There, Space.Remap(There, 2 * Page, 4 * Page));
        Assert.Equal(AddressSpace.LowestAddress, Space.Remap(There, 4 * Page, 5 * Page, RemapFlags.MayMove));
        Assert.Equal(There, Space.Remap(AddressSpace.LowestAddress, 5 * Page, Page, RemapFlags.MayMove | RemapFlags.Fixed, There));
        Assert.Equal(["0x40000000–0x40001000 ReadWrite", "0x40004000–0x40005000 Read"], Space.GetAreas().Select(area => area.ToString()));
    }

    [Fact]
    public void What_is_too_long_is_named_with_its_own_length()
    {
        const long TooLong = AddressSpace.EndAddress;
        Space.Map(Page, Protection.ReadWrite, MapFlags.Fixed, There);
        OutOfMemoryException moved = Assert.Throws<OutOfMemoryException>(() => Space.Remap(There, Page, TooLong, RemapFlags.MayMove));
        Assert.Contains($"{TooLong} bytes", moved.Message, StringComparison.Ordinal);
        ArgumentOutOfRangeException mapped = Assert.Throws<ArgumentOutOfRangeException>(() => Space.Map(TooLong, Protection.Read, MapFlags.Fixed, There));
        Assert.Contains($"at most {TooLong - AddressSpace.LowestAddress} bytes, not {TooLong}", mapped.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_access_names_its_own_address()
    {
        long area = Space.Map(2 * Page, Protection.ReadWrite);
        Space.Protect(area + Page, Page, Protection.None);
        long wrong = area + Page + 123;
        byte[] bytes = new byte[10];
        Assert.Equal(wrong, Assert.Throws<AddressFaultException>(() => Space.Read<byte>(wrong)).Address);
        Assert.Equal(wrong, Assert.Throws<AddressFaultException>(() => Space.Write(wrong, 1L)).Address);
        Assert.Equal(wrong, Assert.Throws<AddressFaultException>(() => Space.Read(wrong, bytes)).Address);
        Assert.Equal(wrong, Assert.Throws<AddressFaultException>(() => Space.Write(wrong, bytes)).Address);
        Assert.Equal(wrong, Assert.Throws<AddressFaultException>(() => Space.LeaseRead(wrong, 1).Dispose()).Address);
        Assert.Equal(wrong, Assert.Throws<AddressFaultException>(() => Space.Pin(wrong, 1)).Address);
        Assert.Equal(area + Page, Assert.Throws<AddressFaultException>(() => Space.Write(area + Page - 4, bytes)).Address);
    }

    [Fact]
    public void A_fork_has_the_areas_and_a_life_of_its_own()
    {
        Space.Map(2 * Page, Protection.ReadWrite, MapFlags.Fixed, There);
        using AddressSpace child = Space.Fork();
        Assert.Equal(Space.GetAreas(), child.GetAreas());
        Space.Dispose();
        Assert.Single(child.GetAreas());
    }

    public static TheoryData<string, string, Action<AddressSpace>> Mistakes => new()
    {
        { "length", "length is 1 to 140737488351232 bytes, not 0.", space => space.Map(0, Protection.Read) },
        { "negative length", "length is 1 to 140737488351232 bytes, not -1.", space => space.Unmap(There, -1) },
        { "protection", "protection is None, Read or ReadWrite, not 7.", space => space.Map(1, (Protection)7) },
        { "flags", "flags are of Fixed, FixedNoReplace, GrowsDown and HugePages, not 64.", space => space.Map(1, Protection.Read, (MapFlags)64) },
        { "both", "ask for one of the two", space => space.Map(1, Protection.Read, MapFlags.Fixed | MapFlags.FixedNoReplace, There) },
        { "odd address", "address is a multiple of 4096, not 0x40000001.", space => space.Map(1, Protection.Read, MapFlags.Fixed, There + 1) },
        { "null", "address is 0x10000 to 0x7fffffffe000 for 4096 bytes, not 0x0.", space => space.Map(1, Protection.Read, MapFlags.Fixed) },
        { "high", "address is 0x0 to 0x7fffffffe000 for 4096 bytes, not 0x7ffffffff000.", space => space.Unmap(AddressSpace.EndAddress, 1) },
        { "negative address", "not 0xffffffffffff0000.", space => space.Protect(-65536, 1, Protection.Read) },
        { "advice", "advice is one of WillNeed, DoNotNeed, Cold, HugePages, NoHugePages, not 9.", space => space.Advise(There, 1, (MemoryAdvice)9) },
        { "fixed alone", "Fixed needs MayMove as well.", space => space.Remap(There, 1, 1, RemapFlags.Fixed, There << 1) },
        { "keep", "KeepSource needs newLength to be oldLength.", space => space.Remap(There, 1, 8192, RemapFlags.KeepSource | RemapFlags.MayMove) },
        { "overlap", "The new place 0x40001000–0x40003000 overlaps the old one, 0x40000000–0x40002000.", space => space.Remap(There, 8192, 8192, RemapFlags.Fixed | RemapFlags.MayMove, There + 4096) },
        { "occupied", "Map: something is mapped at 0x40000000, in the range 0x3ffff000–0x40001000 that must be free. Nothing was changed.", space => space.Map(8192, Protection.Read, MapFlags.FixedNoReplace, There - 4096) },
        { "hole", "Protect: nothing is mapped at 0x40004000, in the range 0x40000000–0x40005000. Nothing was changed.", space => space.Protect(There, 5 * 4096, Protection.None) },
        { "advised hole", "Advise: nothing is mapped at 0x40004000", space => space.Advise(There, 5 * 4096, MemoryAdvice.WillNeed) },
        { "several", "Remap: the range 0x40000000–0x40004000 lies in more than one area; the first ends at 0x40002000. Nothing was changed.", space => space.Remap(There, 4 * 4096, 4096) },
        { "no room", "Remap: the range 0x40000000–0x40002000 cannot grow: something is mapped, or nothing can be, at 0x40002000; RemapFlags.MayMove would let it move.", space => space.Remap(There, 8192, 12288) },
        { "nowhere", "Remap: nothing is mapped at 0x80000000", space => space.Remap(There << 1, 1, 1) },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_with_its_value_and_the_range_and_changes_nothing(string what, string message, Action<AddressSpace> mistake)
    {
        Space.Map(2 * Page, Protection.ReadWrite, MapFlags.Fixed, There);
        Space.Map(2 * Page, Protection.Read, MapFlags.Fixed, There + (2 * Page));
        Exception thrown = Assert.ThrowsAny<Exception>(() => mistake(Space));
        Assert.True(thrown is ArgumentException or InvalidOperationException, $"{what}: {thrown}");
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(["0x40000000–0x40002000 ReadWrite", "0x40002000–0x40004000 Read"], Space.GetAreas().Select(area => area.ToString()));
    }

    [Fact]
    public void One_area_too_many_is_refused_whether_it_is_mapped_or_cut_off()
    {
        for (int i = 0; i < 8; i++)
        {
            Space.Map(3 * Page, Protection.ReadWrite, MapFlags.Fixed, There + (4 * i * Page));
        }

        const string Message = "more than AddressSpaceOptions.AreasMax = 8 areas. Nothing was changed.";
        Action[] changes =
        [
            () => Space.Map(1, Protection.Read),
            () => Space.Unmap(There + Page, 1),
            () => Space.Protect(There, 1, Protection.None),
            () => Space.Remap(There, 3 * Page, 4 * Page, RemapFlags.MayMove | RemapFlags.Fixed, There << 1),
        ];
        Assert.All(changes, change => Assert.EndsWith(Message, Assert.Throws<InvalidOperationException>(change).Message, StringComparison.Ordinal));
        Assert.Equal(8, Space.GetAreas().Count);

        // What makes no more of them is allowed.
        Space.Protect(There, 3 * Page, Protection.None);
        Space.Unmap(There + Page, 2 * Page);
        Space.Map(Page, Protection.ReadWrite, MapFlags.Fixed, There + (3 * Page));
    }

    [Fact]
    public void A_space_without_a_hole_that_is_large_enough_says_so()
    {
        OutOfMemoryException thrown = Assert.Throws<OutOfMemoryException>(() => Space.Map(AddressSpace.EndAddress, Protection.None));
        Assert.Equal("Map: space 'tested' has no hole that is large enough; the range is of 140737488351232 bytes.", thrown.Message);
    }

    [Fact]
    public void Every_verb_of_a_disposed_space_says_that_it_is()
    {
        Space.Map(Page, Protection.ReadWrite, MapFlags.Fixed, There);
        Assert.False(Space.IsDisposed);
        Space.Dispose();
        Space.Dispose();
        Assert.True(Space.IsDisposed);
        Action[] verbs =
        [
            () => Space.Map(1, Protection.Read),
            () => Space.Unmap(There, 1),
            () => Space.Protect(There, 1, Protection.Read),
            () => Space.Remap(There, 1, 1),
            () => Space.Advise(There, 1, MemoryAdvice.Cold),
            () => Space.Advise(There, 1, MemoryAdvice.WillNeed),
            () => Space.GetAreas(),
            () => Space.TryFindArea(There, out _),
            () => Space.Fork(),
        ];
        Assert.All(verbs, verb => Assert.Contains("'tested'", Assert.Throws<ObjectDisposedException>(verb).Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 1L << 20, FaultMode.Speculative, "AreasMax is 1 to 16777216, not 0.")]
    [InlineData((1 << 24) + 1, 1L << 20, FaultMode.Speculative, "AreasMax is 1 to 16777216, not 16777217.")]
    [InlineData(1, 4095, FaultMode.Speculative, "GrowthBytesMax is 4096 to 70368744177664, not 4095.")]
    [InlineData(1, 4096, (FaultMode)2, "FaultMode is Speculative or Classic, not 2.")]
    public void Options_out_of_range_are_named(int areas, long growth, FaultMode mode, string message)
    {
        var options = new AddressSpaceOptions { AreasMax = areas, GrowthBytesMax = growth, FaultMode = mode };
        Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Taking_areas_away_allocates_no_managed_memory()
    {
        for (int round = 0; round < 200; round++)
        {
            Assert.Equal(0, ManagedBytes.Least(MapTwo, warmUps: 0));
        }

        Action MapTwo()
        {
            Space.Map(8 * Page, Protection.ReadWrite, MapFlags.Fixed, There);
            Space.Map(8 * Page, Protection.Read, MapFlags.Fixed, There + (8 * Page));
            return UnmapParts;
        }

        void UnmapParts()
        {
            Space.Unmap(There + (2 * Page), 2 * Page);
            Space.Unmap(There + (6 * Page), 4 * Page);
            Space.Unmap(There, 16 * Page);
        }
    }
}
