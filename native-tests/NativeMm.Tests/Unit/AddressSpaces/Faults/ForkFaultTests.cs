using NativeMm.AddressSpaces;
using NativeMm.Frames;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>Copy on write: who copies, who need not, and what is left when memory runs out on the way.</summary>
public sealed class ForkFaultTests
{
    [Fact]
    public void A_fork_asks_others_for_memory_when_there_is_none()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 3L);
        fixture.TakeAllFrames();
        var giver = new Giver(fixture);
        fixture.Frames.AddShrinker(giver);
        using (AddressSpace child = fixture.Space.Fork())
        {
            Assert.Equal(3, child.Read<long>(area));
        }

        fixture.Frames.RemoveShrinker(giver);
        Assert.NotEqual(0, giver.Calls);
    }

    [Fact]
    public void A_move_asks_others_for_memory_when_there_is_none()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 3L);
        fixture.TakeAllFrames();
        var giver = new Giver(fixture);
        fixture.Frames.AddShrinker(giver);
        long moved = fixture.Space.Remap(area, Page, Page, RemapFlags.MayMove | RemapFlags.Fixed, newAddress: area ^ (1L << 40));
        fixture.Frames.RemoveShrinker(giver);
        Assert.Equal(3, fixture.Space.Read<long>(moved));
        Assert.NotEqual(0, giver.Calls);
    }

    [Fact]
    public void Both_sides_have_what_was_there_and_neither_sees_the_other()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        fixture.Space.Write(area + Page, 2L);
        fixture.Space.Read<long>(area + (2 * Page));
        using AddressSpace child = fixture.Space.Fork();
        Assert.Equal(2, child.GetStatistics().SharedPages);
        fixture.Space.Write(area, 10L);
        child.Write(area + Page, 20L);
        child.Write(area + (2 * Page), 30L);
        Assert.Equal((10L, 2L, 0L), (fixture.Space.Read<long>(area), fixture.Space.Read<long>(area + Page), fixture.Space.Read<long>(area + (2 * Page))));
        Assert.Equal((1L, 20L, 30L), (child.Read<long>(area), child.Read<long>(area + Page), child.Read<long>(area + (2 * Page))));
        child.Validate();
    }

    [Fact]
    public void The_last_owner_writes_in_place()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        nuint before = fixture.Look(area).Address;
        fixture.Space.Fork().Dispose();
        fixture.Space.Write(area, 2L);
        Assert.Equal((before, 0), (fixture.Look(area).Address, fixture.Faults.Copies));
    }

    [Fact]
    public void A_fork_of_a_fork_shares_with_both()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        using AddressSpace child = fixture.Space.Fork();
        using AddressSpace grandchild = child.Fork();
        child.Write(area, 2L);
        fixture.Space.Write(area, 3L);
        Assert.Equal((3L, 2L, 1L), (fixture.Space.Read<long>(area), child.Read<long>(area), grandchild.Read<long>(area)));
    }

    [Fact]
    public void Without_a_frame_for_the_copy_the_write_is_an_error_and_both_keep_what_they_had()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        using AddressSpace child = fixture.Space.Fork();
        fixture.Space.Faults.FreeKept();
        fixture.TakeAllFrames();
        Assert.Throws<OutOfMemoryException>(() => fixture.Space.Write(area, 2L));
        Assert.Equal((1L, 1L), (fixture.Space.Read<long>(area), child.Read<long>(area)));
        fixture.GiveFrames();
        fixture.Space.Write(area, 2L);
        Assert.Equal((2L, 1L), (fixture.Space.Read<long>(area), child.Read<long>(area)));
    }

    [Fact]
    public void Each_fork_without_frames_changes_nothing()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(600 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        fixture.Space.Write(area + (599 * Page), 2L);
        for (int left = 0; left < 5; left++)
        {
            fixture.TakeAllFrames(but: left);
            Assert.Throws<OutOfMemoryException>(() => fixture.Space.Fork());
            fixture.Space.Write(area, 1L);
            fixture.GiveFrames();
            fixture.Space.Validate();
        }

        using AddressSpace child = fixture.Space.Fork();
        Assert.Equal((1L, 2L), (child.Read<long>(area), child.Read<long>(area + (599 * Page))));
    }

    [Fact]
    public void A_leased_page_goes_on_being_written_in_place_and_the_child_has_the_moment()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        using WriteLease lease = fixture.Space.LeaseWrite(area, 8);
        using AddressSpace child = fixture.Space.Fork();
        lease.Span[0] = 9;
        Assert.Equal((9L, 1L), (fixture.Space.Read<long>(area), child.Read<long>(area)));
        fixture.Space.Write(area, 10L);
        Assert.Equal(10, lease.Span[0]);
    }

    [Fact]
    public void A_copied_frame_waits_for_the_lease_of_a_reader()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        AddressSpace child = fixture.Space.Fork();
        ReadLease lease = fixture.Space.LeaseRead(area, 8);
        fixture.Space.Write(area, 2L);
        child.Dispose();
        fixture.Tables.Deferred.Flush();
        Assert.Equal((1, 1), (lease.Span[0], fixture.Tables.Deferred.Count));
        lease.Dispose();
        Assert.Equal(0, fixture.Tables.Deferred.Flush());
    }

    /// <summary>Gives frames back when it is asked.</summary>
    private sealed class Giver(FaultFixture fixture) : IShrinker
    {
        private const int FramesGiven = 16;

        public int Calls { get; private set; }

        public ulong Shrink(ulong framesWanted)
        {
            Calls++;
            fixture.GiveFrames(FramesGiven);
            return FramesGiven;
        }
    }
}
