using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>
/// The rules of the reported boundary. Every check validates the allocator, which says that from an active boundary on all blocks of the list
/// are reported.
/// </summary>
public sealed class BuddyBoundaryTests : IDisposable
{
    private readonly ReporterFixture _fixture = new(ReporterVariant.Boundary);
    private readonly FrameRange[] _ranges = new FrameRange[32];

    [Fact]
    public void A_pass_goes_on_where_the_last_one_stopped()
    {
        List<Pfn> free = _fixture.MakeApart(12);
        List<Pfn> seen = [];
        for (int pass = 0; pass < 4; pass++)
        {
            seen.AddRange(Report(3));
        }

        Assert.Equal(free.Order(), seen.Order());
        Assert.Empty(Report(3));
        Assert.True(_fixture.Source.IsAtEnd);
    }

    [Fact]
    public void A_block_inserted_at_the_tail_goes_before_the_boundary()
    {
        // Freed beside a free block of order 10 a block of order 9 goes to the tail, because it is likely to merge.
        List<Pfn> all = [.. _fixture.Use(16).Order()];
        _fixture.Free([all[0], all[4]]);
        Assert.Equal(2, Report(2).Count);
        _fixture.Free([all[10], all[11], all[8]]);
        _fixture.Allocator.Validate();
        _fixture.Free([all[14]]);
        _fixture.Allocator.Validate();
        Assert.Equal([all[8], all[10], all[14]], Report(32).Concat(Report(32)).Order());
    }

    [Fact]
    public void Removing_the_block_at_the_boundary_hands_it_on()
    {
        List<Pfn> free = _fixture.MakeApart(6);
        List<Pfn> reported = Report(3);

        // Whatever is taken comes from the lists; all of them together certainly contain the block at the boundary.
        List<Pfn> taken = [];
        for (int i = 0; i < 6; i++)
        {
            taken.AddRange(_fixture.Use(1));
            _fixture.Allocator.Validate();
        }

        Assert.Superset(new HashSet<Pfn>(reported), new HashSet<Pfn>(taken));
        _fixture.Free(taken);
        _fixture.Allocator.Validate();
        Assert.Equal(free.Order(), Report(32).Order());
    }

    [Fact]
    public void The_buddy_of_the_block_at_the_boundary_takes_it_along_when_it_is_freed()
    {
        List<Pfn> all = [.. _fixture.Use(8).Order()];
        _fixture.Free([all[0], all[2], all[4]]);
        List<Pfn> reported = Report(2);
        foreach (Pfn frame in reported)
        {
            _fixture.Free([new Pfn(frame.Value ^ 512)]);
            _fixture.Allocator.Validate();
        }

        _fixture.Free([all[6]]);
        Assert.Superset(new HashSet<Pfn>([all[6]]), new HashSet<Pfn>(Report(32).Concat(Report(32))));
    }

    [Fact]
    public void Operating_on_the_lists_by_another_walk_resets_the_boundary()
    {
        List<Pfn> free = _fixture.MakeApart(12);
        List<Pfn> seen = Report(3);
        IReportableFrames other = ReportableFrames.For(_fixture.Allocator, BuddyReportScheme.Rotation);
        other.Begin(Order.Huge, Order.Huge, restart: true);
        int count = other.Isolate(_ranges, 4 * 512);
        seen.AddRange(_ranges[..count].Select(range => range.Frame));
        _fixture.Allocator.Validate();
        other.PutBack(_ranges.AsSpan(0, count), FrameContent.Reported);
        _fixture.Allocator.Validate();
        seen.AddRange(Report(32));
        Assert.Equal(free.Order(), seen.Order());
    }

    [Fact]
    public void Emptying_a_block_by_migration_in_the_middle_of_a_walk_keeps_the_boundaries_true()
    {
        // Block by block single frames are in use; each is emptied while some blocks were told of and others wait.
        List<Pfn> all = [.. _fixture.Use(16).Order()];
        _fixture.Free(all);
        Dictionary<Pfn, Pfn> owned = [];
        var migration = new FrameMigration(_fixture.Allocator);
        migration.Add(new Mover(owned));
        List<Pfn> frames = _fixture.Use(6 * 512, 0);
        HashSet<Pfn> kept = [.. frames.Where(frame => frame.Value % 512 == 7)];
        _fixture.Free(frames.Where(frame => !kept.Contains(frame)), 0);
        foreach (Pfn frame in kept)
        {
            owned[frame] = frame;
        }

        for (int step = 0; step < kept.Count - 1; step++)
        {
            List<Pfn> told = Report(2, Order.Zero);
            Assert.All(told, block => Assert.DoesNotContain(block, owned.Keys));
            var block = new Pfn(kept.Max().Value & ~511u);
            Assert.True(migration.TryEmpty(block, out int moved));
            Assert.Equal(1, moved);
            kept.Remove(kept.Max());
            _fixture.Allocator.Validate();
        }

        while (Report(32, Order.Zero).Count != 0)
        {
        }

        FrameStatistics after = _fixture.Allocator.GetStatistics();
        while (after.FreeFrames != after.ReportedFrames)
        {
            Assert.NotEmpty(Report(32, Order.Zero));
            after = _fixture.Allocator.GetStatistics();
        }

        _fixture.Free(owned.Keys, 0);
    }

    [Fact]
    public void The_end_of_a_walk_clears_the_active_flag_and_the_next_walk_finds_its_way()
    {
        _fixture.MakeApart(4);
        Assert.Equal(4, Report(32).Count);
        Assert.Empty(Report(32));
        Assert.True(_fixture.Source.IsAtEnd);
        List<Pfn> more = _fixture.Use(3);
        _fixture.Free(more);
        _fixture.Allocator.Validate();
        Assert.Superset(new HashSet<Pfn>(more), new HashSet<Pfn>(Report(32)));
    }

    public void Dispose() => _fixture.Dispose();

    private List<Pfn> Report(int blocks) => Report(blocks, Order.Huge);

    private List<Pfn> Report(int blocks, Order smallest)
    {
        _fixture.Source.Begin(Order.Huge, smallest, restart: false);
        int count = _fixture.Source.Isolate(_ranges.AsSpan(0, blocks), ulong.MaxValue);
        _fixture.Allocator.Validate();
        List<Pfn> found = [.. _ranges[..count].Select(range => range.Frame)];
        _fixture.Source.PutBack(_ranges.AsSpan(0, count), FrameContent.Reported);
        _fixture.Allocator.Validate();
        return found;
    }

    /// <summary>Somebody who can move all of his frames.</summary>
    private sealed class Mover(Dictionary<Pfn, Pfn> owned) : IFrameMigrator
    {
        public bool TryMigrate(Pfn frame, Pfn target)
        {
            bool isOwned = owned.Remove(frame);
            if (isOwned)
            {
                owned.Add(target, target);
            }

            return isOwned;
        }
    }
}
