using NativeMm.AddressSpaces;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Access;

/// <summary>Reading and writing: values, ranges, page borders, and addresses that do not exist.</summary>
public sealed class AccessTests
{
    [Theory]
    [InlineData(FaultMode.Speculative)]
    [InlineData(FaultMode.Classic)]
    public void What_is_written_is_read_across_pages_and_tables(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode));
        long area = fixture.Space.Map(600 * Page, Protection.ReadWrite);
        byte[] bytes = new byte[3 * Page];
        new Random(1).NextBytes(bytes);
        long at = ((area + (512 * Page)) & ~((2L << 20) - 1)) - Page - 100;
        at = at < area ? area + 100 : at;
        fixture.Space.Write(at, bytes);
        byte[] read = new byte[bytes.Length];
        fixture.Space.Read(at, read);
        Assert.Equal(bytes, read);
        for (int i = 0; i + 8 <= bytes.Length; i += 61)
        {
            Assert.Equal(BitConverter.ToInt64(bytes, i), fixture.Space.Read<long>(at + i));
        }
    }

    [Fact]
    public void A_value_may_lie_across_two_pages()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        for (int before = 1; before < 16; before++)
        {
            var value = new Int128((ulong)before, 0x0123_4567_89ab_cdef);
            fixture.Space.Write(area + Page - before, value);
            Assert.Equal(value, fixture.Space.Read<Int128>(area + Page - before));
        }
    }

    [Fact]
    public void Unwritten_pages_read_as_zero_without_a_frame()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(64 * Page, Protection.ReadWrite);
        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(0, fixture.Space.Read<int>(area + (i * Page)));
        }

        Assert.Equal((0, 64), (fixture.Space.GetStatistics().ResidentPages, fixture.Space.GetStatistics().ZeroPages));
        fixture.Space.Write(area, 1);
        Assert.Equal((1, 0), (fixture.Space.Read<int>(area), fixture.Space.Read<int>(area + Page)));
        Assert.Equal((1, 63), (fixture.Space.GetStatistics().ResidentPages, fixture.Space.GetStatistics().ZeroPages));
    }

    [Fact]
    public void An_access_that_hits_makes_no_fault()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1);
        long before = fixture.Faults.Attempts;
        for (int i = 0; i < 100; i++)
        {
            fixture.Space.Write(area + (4 * i), fixture.Space.Read<int>(area) + i);
        }

        Assert.Equal(before, fixture.Faults.Attempts);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(1L << 47)]
    [InlineData((1L << 47) - 4)]
    [InlineData(long.MaxValue)]
    public void Addresses_that_do_not_exist_are_refused(long address)
    {
        using var fixture = new FaultFixture();
        fixture.Space.Map(Page, Protection.ReadWrite);
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Space.Read<long>(address));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Space.Write(address, 1L));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Space.Read(address, new byte[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Space.Write(address, new byte[8]));
    }

    [Fact]
    public void The_last_page_before_a_gap_is_whole_and_the_next_byte_is_an_error()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        long end = area + (2 * Page);
        fixture.Space.Write(end - 8, 42L);
        Assert.Equal(42L, fixture.Space.Read<long>(end - 8));
        Assert.Equal(end, Assert.Throws<AddressFaultException>(() => fixture.Space.Read<byte>(end)).Address);
        Assert.Equal(end, Assert.Throws<AddressFaultException>(() => fixture.Space.Write(end - 4, 1L)).Address);
    }

    [Fact]
    public void After_the_end_every_access_says_so()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1);
        fixture.Space.Dispose();
        Assert.Throws<ObjectDisposedException>(() => fixture.Space.Read<int>(area));
        Assert.Throws<ObjectDisposedException>(() => fixture.Space.Write(area, 1));
        Assert.Throws<ObjectDisposedException>(() => { _ = fixture.Space.LeaseRead(area, 1); });
        Assert.Throws<ObjectDisposedException>(() => fixture.Space.Pin(area, 1));
    }
}
