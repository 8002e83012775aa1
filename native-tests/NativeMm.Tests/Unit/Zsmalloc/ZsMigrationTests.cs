using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Zsmalloc;

public sealed class ZsMigrationTests
{
    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_full_of_objects_is_emptied_and_every_byte_is_kept(FrameVariant variant)
    {
        using var fixture = new ZsFixture(megabytes: 16, variant: variant);
        Dictionary<ZsHandle, (int Bytes, int Seed)> live = ZsCompactionTests.Fragment(fixture, new Random(1), keepPercent: 40, count: 2000);
        FrameMigration migration = MigrationOf(fixture);
        long frames = fixture.Pool.GetTotalFrames();

        Pfn block = BlockOf(fixture);
        Assert.True(migration.TryEmpty(block, out int moved));
        Assert.InRange(moved, 1, 512);
        fixture.Pool.Validate();
        Assert.Equal(frames, fixture.Pool.GetTotalFrames());
        Assert.Equal(moved + 2, fixture.Pool.GetStatistics().FramesMigrated);
        Assert.Equal((ulong)frames, fixture.Frames.GetStatistics().AllocatedFrames);
        foreach ((ZsHandle handle, (int bytes, int seed)) in live)
        {
            fixture.AssertHolds(handle, bytes, seed);
        }
    }

    [Fact]
    public void Frames_of_others_stay_and_so_does_the_block()
    {
        using var fixture = new ZsFixture();
        Pfn mine = fixture.Zone.Allocate(0);
        ZsHandle handle = fixture.Store(3000, 1);
        Pfn block = new(mine.Value & ~511u);
        Assert.False(MigrationOf(fixture).TryEmpty(block, out _));
        fixture.AssertHolds(handle, 3000, 1);
        fixture.Frames.Free(mine, Order.Zero);
    }

    [Fact]
    public void A_frame_that_is_read_stays_until_the_reader_goes()
    {
        using var fixture = new ZsFixture();
        ZsHandle handle = fixture.Store(4096, 1);
        FrameMigration migration = MigrationOf(fixture);
        Pfn block = BlockOf(fixture);
        using (ZsReadLease lease = fixture.Pool.OpenRead(handle, new byte[4096]))
        {
            Assert.False(migration.TryEmpty(block, out int none));
            Assert.Equal(0, none);
            Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(4096, 1)));
        }

        Assert.True(migration.TryEmpty(block, out int moved));
        Assert.Equal(1, moved);
        fixture.AssertHolds(handle, 4096, 1);
    }

    [Fact]
    public void Without_a_frame_elsewhere_nothing_moves_and_nothing_is_lost()
    {
        using var fixture = new ZsFixture(megabytes: 2);
        ZsHandle handle = fixture.Store(4096, 1);
        Assert.False(MigrationOf(fixture).TryEmpty(new Pfn(0), out int moved));
        Assert.Equal(0, moved);
        Assert.Equal(1u, fixture.Frames.GetStatistics().AllocatedFrames);
        fixture.AssertHolds(handle, 4096, 1);
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(1u << 30)]
    public void What_is_no_block_of_the_zone_is_named(uint frame)
    {
        using var fixture = new ZsFixture();
        Assert.Throws<ArgumentOutOfRangeException>(() => MigrationOf(fixture).TryEmpty(new Pfn(frame), out _));
    }

    [Fact]
    public void A_migrator_that_was_removed_is_not_asked()
    {
        using var fixture = new ZsFixture();
        fixture.Store(4096, 1);
        FrameMigration migration = MigrationOf(fixture);
        migration.Remove(fixture.Pool);
        migration.Remove(fixture.Pool);
        Assert.False(migration.TryEmpty(BlockOf(fixture), out int moved));
        Assert.Equal(0, moved);
    }

    private static FrameMigration MigrationOf(ZsFixture fixture)
    {
        var migration = new FrameMigration(fixture.Frames);
        migration.Add(fixture.Pool);
        return migration;
    }

    /// <summary>The block of a frame that the pool owns: the migrator knows it, and moves it to and fro.</summary>
    private static Pfn BlockOf(ZsFixture fixture)
    {
        Pfn spare = fixture.Zone.Allocate(0);
        IFrameMigrator migrator = fixture.Pool;
        uint frame = 0;
        while (!migrator.TryMigrate(new Pfn(frame), spare))
        {
            frame++;
        }

        Assert.True(migrator.TryMigrate(spare, new Pfn(frame)));
        fixture.Frames.Free(spare, Order.Zero);
        return new Pfn(frame & ~511u);
    }
}
