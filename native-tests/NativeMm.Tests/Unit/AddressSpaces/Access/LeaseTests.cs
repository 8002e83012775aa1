using NativeMm.AddressSpaces;
using NativeMm.Tests.Support;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Access;

/// <summary>Leases: what they show, what they keep, and what is told to those who misuse them.</summary>
public sealed class LeaseTests
{
    [Fact]
    public void A_thread_that_dies_with_a_lease_keeps_nothing()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        StartGate.Run(1, _ => { ReadLease forgotten = fixture.Space.LeaseRead(area, 1); });
        Assert.True(SpinWait.SpinUntil(() => !fixture.Space.IsHeld, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void What_was_freed_beside_a_lease_of_a_dead_thread_comes_back_with_a_trim()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        StartGate.Run(1, _ =>
        {
            ReadLease forgotten = fixture.Space.LeaseRead(area, 1);
            fixture.Space.Unmap(area, Page);
        });
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                fixture.Space.FreeUnused();
                return fixture.Space.GetStatistics().DeferredFrames == 0;
            },
            TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Bytes_are_read_and_written_in_place()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        using (WriteLease lease = fixture.Space.LeaseWrite(area + 100, 50))
        {
            Assert.Equal(50, lease.Span.Length);
            lease.Span.Fill(7);
        }

        Assert.Equal(0x0707_0707, fixture.Space.Read<int>(area + 100));
        using ReadLease read = fixture.Space.LeaseRead(area + 99, 3);
        Assert.Equal([0, 7, 7], read.Span.ToArray());
    }

    [Fact]
    public void It_ends_where_the_memory_is_not_in_one_piece()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Read<int>(area);
        fixture.Space.Read<int>(area + Page);
        using ReadLease lease = fixture.Space.LeaseRead(area + 10, 2 * Page);
        Assert.Equal(Page - 10, lease.Span.Length);
    }

    [Fact]
    public void It_goes_over_the_pages_of_a_block_of_2_MiB()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = fixture.Space.Map(4 << 20, Protection.ReadWrite, MapFlags.HugePages);
        fixture.Space.Write(area, 1);
        using WriteLease lease = fixture.Space.LeaseWrite(area + 1000, 1 << 20);
        Assert.Equal(1 << 20, lease.Span.Length);
        lease.Span[^1] = 9;
        Assert.Equal(9, fixture.Space.Read<byte>(area + 1000 + (1 << 20) - 1));
    }

    [Fact]
    public void An_unmapped_page_stays_until_the_lease_ends()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 77L);
        ReadLease lease = fixture.Space.LeaseRead(area, 8);
        fixture.Space.Unmap(area, Page);
        Assert.Equal(77, BitConverter.ToInt64(lease.Span));
        long again = fixture.Space.Map(Page, Protection.ReadWrite, MapFlags.Fixed, area);
        fixture.Space.Write(again, 78L);
        Assert.Equal(77, BitConverter.ToInt64(lease.Span));
        lease.Dispose();
        Assert.Equal(0, fixture.Tables.Deferred.Flush());
    }

    [Fact]
    public void A_thread_holds_a_bounded_number_and_is_told()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        ReadLease a = fixture.Space.LeaseRead(area, 1);
        ReadLease b = fixture.Space.LeaseRead(area, 1);
        ReadLease c = fixture.Space.LeaseRead(area, 1);
        ReadLease d = fixture.Space.LeaseRead(area, 1);
        ReadLease e = fixture.Space.LeaseRead(area, 1);
        ReadLease f = fixture.Space.LeaseRead(area, 1);
        Assert.Contains("6 leases", Assert.Throws<InvalidOperationException>(() => { _ = fixture.Space.LeaseRead(area, 1); }).Message, StringComparison.Ordinal);
        c.Dispose();
        using (ReadLease another = fixture.Space.LeaseRead(area, 1))
        {
            Assert.Equal(0, another.Span[0]);
        }

        a.Dispose();
        b.Dispose();
        d.Dispose();
        e.Dispose();
        f.Dispose();
    }

    [Fact]
    public void Use_after_the_end_and_a_second_end_through_a_copy_are_told()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        ReadLease lease = fixture.Space.LeaseRead(area, 1);
        ReadLease copy = lease;
        lease.Dispose();
        lease.Dispose();
        bool told = false;
        try
        {
            _ = lease.Span;
        }
        catch (ObjectDisposedException)
        {
            told = true;
        }

        Assert.True(told);
        told = false;
        try
        {
            copy.Dispose();
        }
        catch (InvalidOperationException)
        {
            told = true;
        }

        Assert.True(told);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void An_empty_lease_is_refused(int length)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = fixture.Space.LeaseRead(area, length); });
    }

    [Fact]
    public void A_forbidden_lease_leaves_no_hazard()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.Read);
        Assert.Throws<AddressFaultException>(() => { _ = fixture.Space.LeaseWrite(area, 1); });
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Assert.True(Hazards.Look(fixture.Tables.Key, words).IsEmpty);
    }
}
