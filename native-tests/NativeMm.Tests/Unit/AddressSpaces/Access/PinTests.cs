using System.Buffers;
using NativeMm.AddressSpaces;
using NativeMm.Tests.Support;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Access;

/// <summary>Pins: they show what is written, on any thread, outlive what happens to the pages, and are bounded.</summary>
public sealed class PinTests
{
    [Fact]
    public void A_range_is_seen_in_pieces_and_as_a_sequence()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(8 * Page, Protection.ReadWrite);
        byte[] bytes = new byte[(3 * Page) + 17];
        new Random(3).NextBytes(bytes);
        fixture.Space.Write(area + 100, bytes);
        using PagePin pin = fixture.Space.Pin(area + 100, bytes.Length);
        Assert.Equal(bytes, pin.GetSequence().ToArray());
        Assert.Equal(bytes, Enumerable.Range(0, pin.RunCount).SelectMany(i => pin.GetReadOnlySpan(i).ToArray()));
        Assert.Throws<InvalidOperationException>(() => { _ = pin.GetSpan(0); });
        Assert.Equal((4, bytes.Length), (fixture.Space.PinnedPages, pin.Length));
    }

    [Fact]
    public void It_crosses_threads_and_shows_what_others_write()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        PagePin pin = fixture.Space.Pin(area, Page, PageAccess.Read);
        StartGate.Run(1, _ => fixture.Space.Write(area + 8, 5L));
        Assert.Equal(5, BitConverter.ToInt64(pin.GetReadOnlySpan(0)[8..]));
        StartGate.Run(1, _ => pin.Dispose());
        pin.Dispose();
        Assert.Equal(0, fixture.Space.PinnedPages);
        Assert.Throws<ObjectDisposedException>(() => { _ = pin.GetReadOnlySpan(0); });
        Assert.Throws<ObjectDisposedException>(() => pin.GetSequence());
    }

    [Fact]
    public void It_outlives_unmapping_and_the_space()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 5L);
        fixture.Space.Write(area + Page, 6L);
        PagePin first = fixture.Space.Pin(area, 8, PageAccess.Write);
        PagePin second = fixture.Space.Pin(area + Page, 8);
        fixture.Space.Unmap(area, Page);
        fixture.Space.Dispose();
        first.GetSpan(0)[0] = 9;
        Assert.Equal((9, 6), (first.GetReadOnlySpan(0)[0], second.GetReadOnlySpan(0)[0]));
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public void More_than_may_be_pinned_is_refused_with_the_figures()
    {
        using var fixture = new FaultFixture(new AddressSpaceOptions { PinnedPagesMax = 3, FaultPermits = 1 });
        long area = fixture.Space.Map(8 * Page, Protection.ReadWrite);
        using PagePin pin = fixture.Space.Pin(area, 2 * Page);
        InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(() => fixture.Space.Pin(area, Page + 1));
        Assert.Contains("2 pages", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("3", refusal.Message, StringComparison.Ordinal);
        fixture.Space.Pin(area, 1).Dispose();
    }

    [Fact]
    public void What_cannot_be_pinned_whole_is_not_pinned()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        Assert.Throws<AddressFaultException>(() => fixture.Space.Pin(area, 3 * Page));
        Assert.Equal(0, fixture.Space.PinnedPages);
    }

    [Fact]
    public void A_pinned_page_is_not_shared_by_a_fork()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        using PagePin pin = fixture.Space.Pin(area, 8, PageAccess.Write);
        using AddressSpace child = fixture.Space.Fork();
        pin.GetSpan(0)[0] = 2;
        Assert.Equal((2L, 1L), (fixture.Space.Read<long>(area), child.Read<long>(area)));
    }

    [Theory]
    [InlineData(Protection.None)]
    [InlineData(Protection.Read)]
    public void What_a_fork_copies_of_a_pinned_page_may_be_used_as_its_area_says(Protection protection)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 7L);
        using PagePin pin = fixture.Space.Pin(area, 8, PageAccess.Write);
        fixture.Space.Protect(area, 2 * Page, protection);
        using AddressSpace child = fixture.Space.Fork();
        child.Validate();
        Assert.Throws<AddressFaultException>(() => child.Write(area, 8L));
        if (protection == Protection.None)
        {
            Assert.Throws<AddressFaultException>(() => child.Read<long>(area));
        }
        else
        {
            Assert.Equal(7, child.Read<long>(area));
        }

        child.Protect(area, 2 * Page, Protection.ReadWrite);
        Assert.Equal(7, child.Read<long>(area));
    }

    [Fact]
    public void A_pin_of_a_shared_page_that_may_be_written_shows_later_writes()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        using AddressSpace child = fixture.Space.Fork();
        using PagePin pin = fixture.Space.Pin(area, 8);
        using PagePin other = child.Pin(area, 8);
        fixture.Space.Write(area, 3L);
        Assert.Equal((3, 1), (pin.GetReadOnlySpan(0)[0], other.GetReadOnlySpan(0)[0]));
    }
}
