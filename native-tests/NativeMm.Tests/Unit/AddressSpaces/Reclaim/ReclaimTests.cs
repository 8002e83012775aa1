using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Reclaim;

/// <summary>Pages that leave and come back: what is stored, what is not, what stays, and what is told when nothing can leave.</summary>
public sealed unsafe class ReclaimTests
{
    private const int Limit = 64;

    [Theory]
    [InlineData(FaultMode.Speculative)]
    [InlineData(FaultMode.Classic)]
    public void Four_times_the_limit_is_held_and_reads_back(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode), residentMax: Limit);
        long area = Fill(fixture, 4 * Limit);
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < 4 * Limit; i++)
            {
                Assert.Equal(i + 1, fixture.Space.Read<long>(area + (i * Page) + 8));
                Assert.InRange(fixture.Space.GetReclaimStatistics().ResidentPages, 0, Limit);
            }
        }

        Assert.InRange(fixture.Space.GetStatistics().ResidentPages, 1, Limit);
        Assert.NotEqual(0, fixture.Faults.SwapIns);
    }

    [Fact]
    public void A_page_of_one_value_takes_no_slot()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = fixture.Space.Map(2 * Limit * Page, Protection.ReadWrite);
        byte[] page = new byte[Page];
        for (int i = 0; i < 2 * Limit; i++)
        {
            page.AsSpan().Fill((byte)i);
            fixture.Space.Write(area + (i * Page), page);
        }

        fixture.Space.Reclaim(Limit);
        Assert.Equal((0, 0L), (fixture.Swap.Slots, fixture.Swap.Stores));
        Assert.NotEqual(0, fixture.Space.GetStatistics().SameFilledPages);
        for (int i = 0; i < 2 * Limit; i++)
        {
            Assert.Equal((byte)i, fixture.Space.Read<byte>(area + (i * Page) + (i % Page)));
        }
    }

    [Fact]
    public void A_page_that_is_only_read_leaves_again_without_being_stored()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 8);
        ReclaimAll(fixture);
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 8; i++)
            {
                Assert.Equal(i + 1, fixture.Space.Read<long>(area + (i * Page) + 8));
            }

            ReclaimAll(fixture);
        }

        Assert.Equal((8L, 8), (fixture.Swap.Stores, fixture.Swap.Slots));
        fixture.Space.Write(area + 8, 100L);
        Assert.Equal(7, fixture.Swap.Slots);
        ReclaimAll(fixture);
        Assert.Equal((9L, 8), (fixture.Swap.Stores, fixture.Swap.Slots));
        Assert.Equal(100L, fixture.Space.Read<long>(area + 8));
        Assert.NotEqual(0, fixture.Space.GetReclaimStatistics().Clean);
    }

    [Fact]
    public void Leased_and_pinned_pages_stay()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        using PagePin pin = fixture.Space.Pin(area, 16, PageAccess.Write);
        using WriteLease lease = fixture.Space.LeaseWrite(area + Page, 16);
        ReclaimAll(fixture);
        Assert.Equal(2, fixture.Space.GetStatistics().ResidentPages);
        pin.GetSpan(0)[0] = 1;
        lease.Span[0] = 2;
        Assert.Equal((1, 2), (fixture.Space.Read<byte>(area), fixture.Space.Read<byte>(area + Page)));
    }

    [Fact]
    public void A_reader_tells_the_reclaimer_to_leave_its_page_and_what_was_stored_stays_good()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 2);
        fixture.Swap.Storing = () => StartGate.Run(1, _ => Assert.Equal(1L, fixture.Space.Read<long>(area + 8)));
        Assert.Equal(1, fixture.Space.Reclaim(1));
        fixture.Swap.Storing = null;
        Assert.Equal(EntryKind.Frame, fixture.Look(area).Kind);
        Assert.Equal(EntryKind.Swapped, fixture.Look(area + Page).Kind);
        ReclaimAll(fixture);
        Assert.Equal(2, fixture.Swap.Stores);
    }

    [Fact]
    public void A_writer_waits_for_the_reclaimer_and_its_write_is_not_lost()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 2);
        Thread? writer = null;
        fixture.Swap.Storing = () =>
        {
            writer = new Thread(() => fixture.Space.Write(area + 8, 50L)) { IsBackground = true };
            writer.Start();
            Assert.True(SpinWait.SpinUntil(() => fixture.Faults.Waits > 0, TimeSpan.FromSeconds(30)));
        };
        fixture.Space.Reclaim(2);
        fixture.Swap.Storing = null;
        Assert.True(writer!.Join(TimeSpan.FromSeconds(30)));
        Assert.Equal(50L, fixture.Space.Read<long>(area + 8));
    }

    [Fact]
    public void A_page_unmapped_while_it_leaves_is_gone_and_so_is_its_slot()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        fixture.Swap.Storing = () => fixture.Space.Unmap(area, 2 * Page);
        fixture.Space.Reclaim(4);
        fixture.Swap.Storing = null;
        Assert.Equal(2, fixture.Swap.Slots);
        Assert.Equal(3L, fixture.Space.Read<long>(area + (2 * Page) + 8));
    }

    [Fact]
    public void A_page_unmapped_while_it_is_loaded_frees_its_slot_once()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        ReclaimAll(fixture);
        fixture.Swap.Loading = _ =>
        {
            fixture.Swap.Loading = null;
            StartGate.Run(1, _ =>
            {
                fixture.Space.Unmap(area, Page);
                fixture.Space.Map(Page, Protection.ReadWrite, MapFlags.Fixed, area);
            });
        };
        Assert.Equal(0L, fixture.Space.Read<long>(area + 8));
        Assert.Equal(3, fixture.Swap.Slots);
    }

    [Fact]
    public void Protection_that_changes_while_a_page_is_loaded_sends_it_back()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        ReclaimAll(fixture);
        fixture.Swap.Loading = _ =>
        {
            fixture.Swap.Loading = null;
            StartGate.Run(1, _ => fixture.Space.Protect(area, Page, Protection.Read));
        };
        Assert.Equal(1L, fixture.Space.Read<long>(area + 8));
        Assert.Equal(1, fixture.Faults.VmaChanged);
        Assert.Throws<AddressFaultException>(() => fixture.Space.Write(area, 1L));
    }

    [Fact]
    public void Readers_of_a_page_in_flight_wait_for_that_page_alone()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        ReclaimAll(fixture);
        using var stop = new Rendezvous(TimeSpan.FromSeconds(30));
        int loads = 0;
        fixture.Swap.Loading = _ =>
        {
            if (Interlocked.Increment(ref loads) == 1)
            {
                stop.Wait();
            }
        };
        long[] read = new long[2];
        Thread[] readers = [.. Enumerable.Range(0, 2).Select(i => new Thread(() => read[i] = fixture.Space.Read<long>(area + 8)) { IsBackground = true })];
        readers[0].Start();
        stop.AwaitArrival();
        readers[1].Start();
        Assert.Equal(2L, fixture.Space.Read<long>(area + Page + 8));
        Assert.True(SpinWait.SpinUntil(() => fixture.Faults.Waits > 0, TimeSpan.FromSeconds(30)));
        stop.Release();
        Assert.All(readers, reader => Assert.True(reader.Join(TimeSpan.FromSeconds(30))));
        Assert.Equal([1L, 1L], read);
        Assert.Equal(2, loads);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_page_that_cannot_come_back_is_named_and_the_others_can(bool corrupted)
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        ReclaimAll(fixture);
        ulong lost = fixture.Look(area + Page).Slot;
        fixture.Swap.Fail = slot => slot != lost ? null : corrupted ? SwapLoad.Corrupted : new SwapLoad(SwapLoadKind.DeviceFailed, 5);
        PageUnavailableException failure = Assert.Throws<PageUnavailableException>(() => fixture.Space.Read<long>(area + Page + 8));
        Assert.Equal((area + Page, corrupted, corrupted ? 0 : 5), (failure.Address, failure.IsCorrupted, failure.Errno));
        Assert.Equal(1L, fixture.Space.Read<long>(area + 8));
        fixture.Swap.Fail = null;
        Assert.Equal(2L, fixture.Space.Read<long>(area + Page + 8));
    }

    [Theory]
    [InlineData(SwapSlot.NoRoom)]
    [InlineData(SwapSlot.Incompressible)]
    internal void When_nothing_can_leave_the_access_says_so_and_nothing_is_lost(ulong refusal)
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        fixture.Swap.Refuse = _ => refusal;
        long area = Fill(fixture, Limit);
        long more = fixture.Space.Map(2 * Page, Protection.ReadWrite);
        OutOfMemoryException failure = Assert.Throws<OutOfMemoryException>(() => fixture.Space.Write(more, 1L));
        Assert.Contains($"{Limit} of at most {Limit} pages", failure.Message, StringComparison.Ordinal);
        for (int i = 0; i < Limit; i++)
        {
            Assert.Equal(i + 1, fixture.Space.Read<long>(area + (i * Page) + 8));
        }

        fixture.Swap.Refuse = null;
        fixture.Space.Write(more, 7L);
        Assert.Equal(7L, fixture.Space.Read<long>(more));
    }

    [Fact]
    public void A_fork_shares_slots_and_each_side_has_its_own_afterwards()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 8);
        ReclaimAll(fixture);
        Assert.Equal(1L, fixture.Space.Read<long>(area + 8));
        using AddressSpace child = fixture.Space.Fork();
        fixture.Space.Write(area + 8, 100L);
        fixture.Space.Write(area + Page + 8, 200L);
        ReclaimAll(fixture);
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(i + 1, child.Read<long>(area + (i * Page) + 8));
        }

        Assert.Equal((100L, 200L, 3L), (fixture.Space.Read<long>(area + 8), fixture.Space.Read<long>(area + Page + 8), fixture.Space.Read<long>(area + (2 * Page) + 8)));
    }

    [Fact]
    public void A_moved_page_leaves_from_its_new_address()
    {
        using var fixture = new FaultFixture(residentMax: Limit);
        long area = Fill(fixture, 4);
        fixture.Space.Reclaim(2);
        long target = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        Assert.Equal(target, fixture.Space.Remap(area, 4 * Page, 4 * Page, RemapFlags.MayMove | RemapFlags.Fixed, target));
        ReclaimAll(fixture);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(i + 1, fixture.Space.Read<long>(target + (i * Page) + 8));
        }
    }

    /// <summary>Pages that do not repeat a value, with their number in the second word.</summary>
    private static long Fill(FaultFixture fixture, int pages)
    {
        long area = fixture.Space.Map(pages * Page, Protection.ReadWrite);
        for (int i = 0; i < pages; i++)
        {
            fixture.Space.Write(area + (i * Page) + 8, (long)i + 1);
        }

        return area;
    }

    private static void ReclaimAll(FaultFixture fixture)
    {
        for (int i = 0; i < 8; i++)
        {
            fixture.Space.Reclaim(Limit);
        }
    }
}
