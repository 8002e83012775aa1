using NativeMm.Diagnostics;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Zsmalloc;

public sealed class ZsCompactionTests
{
    public static TheoryData<ZsLockMode> Modes => ZsFixture.Modes;

    [Theory]
    [MemberData(nameof(Modes))]
    public void Compaction_frees_what_the_statistics_promise_and_keeps_every_byte(ZsLockMode mode)
    {
        using var fixture = new ZsFixture(ZsFixture.Quiet with { LockMode = mode }, megabytes: 32);
        Dictionary<ZsHandle, (int Bytes, int Seed)> live = Fragment(fixture, new Random(1), keepPercent: 30);
        long before = fixture.Pool.GetTotalFrames();
        long freeable = fixture.Pool.GetClassStatistics().Sum(row => row.FreeableFrames);
        Assert.True(freeable > before / 2, $"Of {before} frames only {freeable} could be freed; the test fragments too little.");

        long freed = fixture.Pool.Compact();

        fixture.Pool.Validate();
        Assert.Equal(freeable, freed);
        Assert.Equal(before - freed, fixture.Pool.GetTotalFrames());
        Assert.Equal(0, fixture.Pool.GetClassStatistics().Sum(row => row.FreeableFrames));
        Assert.Equal(0, fixture.Pool.Compact());
        Assert.Equal(freed, fixture.Pool.GetStatistics().FramesCompacted);
        foreach ((ZsHandle handle, (int bytes, int seed)) in live)
        {
            fixture.AssertHolds(handle, bytes, seed);
        }
    }

    [Fact]
    public void Stripes_together_are_as_dense_as_one()
    {
        using var fixture = new ZsFixture(new ZsPoolOptions { AutoCompact = false, Stripes = 4 }, megabytes: 32);
        var live = new Dictionary<ZsHandle, (int, int)>();
        for (int thread = 0; thread < 8; thread++)
        {
            // Which stripe a thread meets is the scheduler's choice; any choice must give the same.
            var worker = new Thread(() =>
            {
                foreach ((ZsHandle handle, (int, int) object_) in Fragment(fixture, new Random(thread), keepPercent: 20, count: 1000))
                {
                    live.Add(handle, object_);
                }
            });
            worker.Start();
            worker.Join();
        }

        fixture.Pool.Compact();
        fixture.Pool.Validate();
        Assert.Equal(0, fixture.Pool.GetClassStatistics().Sum(row => row.FreeableFrames));
        foreach ((ZsHandle handle, (int bytes, int seed)) in live)
        {
            fixture.AssertHolds(handle, bytes, seed);
        }
    }

    [Fact]
    public void Full_zspages_and_a_single_one_are_left_alone()
    {
        using var fixture = new ZsFixture();
        Assert.Equal(0, fixture.Pool.Compact());
        fixture.Store(1000, 1);
        Assert.Equal(0, fixture.Pool.Compact());
        Assert.Equal(0, fixture.Pool.GetStatistics().ObjectsMoved);
        for (int i = 0; i < 3; i++)
        {
            fixture.Store(4096, i);
        }

        Assert.Equal(0, fixture.Pool.Compact());
    }

    [Fact]
    public void A_read_object_stays_where_it_is_and_the_rest_is_compacted()
    {
        using var fixture = new ZsFixture();
        Dictionary<ZsHandle, (int Bytes, int Seed)> live = Fragment(fixture, new Random(2), keepPercent: 10, bytesMax: 200);
        ZsHandle read = live.Keys.First();
        using (ZsReadLease lease = fixture.Pool.OpenRead(read, new byte[4096]))
        {
            Assert.True(fixture.Pool.Compact() > 0);
            Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(live[read].Bytes, live[read].Seed)));
        }

        fixture.Pool.Compact();
        Assert.Equal(0, fixture.Pool.GetClassStatistics().Sum(row => row.FreeableFrames));
    }

    [Fact]
    public void A_class_whose_waste_passes_the_threshold_is_compacted_by_itself()
    {
        using var fixture = new ZsFixture(new ZsPoolOptions { Stripes = 1, CompactThresholdPercent = 25 });
        Fragment(fixture, new Random(3), keepPercent: 10, bytesMax: 200);
        Assert.True(
            SpinWait.SpinUntil(() => fixture.Pool.GetStatistics().FramesCompacted > 0, TimeSpan.FromSeconds(30)), "Nothing was compacted by itself.");
        Assert.True(
            SpinWait.SpinUntil(() => fixture.Pool.GetClassStatistics().All(row => row.Groups.Sum() == row.Zspages), TimeSpan.FromSeconds(30)),
            "A compactor holds a zspage for ever.");
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Lock_statistics_are_kept_for_each_lock_and_summed(ZsLockMode mode)
    {
        using var fixture = new ZsFixture(ZsFixture.Quiet with { LockMode = mode, LockStatistics = true, Name = "p" });
        Fragment(fixture, new Random(4), keepPercent: 30);
        Assert.True(fixture.Pool.Compact() > 0);
        IReadOnlyList<LockStatisticsSnapshot> rows = fixture.Pool.GetLockStatistics();
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.StartsWith("p", row.Name, StringComparison.Ordinal));
        Assert.Equal(mode != ZsLockMode.PerClass, rows.Count == 3);

        var sum = LockStatisticsSum.Of("all", rows);
        Assert.Equal("all", sum.Name);
        Assert.Equal(rows.Sum(row => row.Acquisitions), sum.Acquisitions);
        Assert.Equal(rows.Max(row => row.Hold.Maximum), sum.Hold.Maximum);
        Assert.Equal(rows.Min(row => row.Hold.Minimum), sum.Hold.Minimum);
        Assert.True(fixture.Pool.SumLockStatistics()!.Acquisitions >= sum.Acquisitions);
    }

    [Fact]
    public void Without_lock_statistics_there_are_none()
    {
        using var fixture = new ZsFixture();
        fixture.Store(10, 1);
        Assert.Empty(fixture.Pool.GetLockStatistics());
        Assert.Null(fixture.Pool.SumLockStatistics());
    }

    internal static Dictionary<ZsHandle, (int Bytes, int Seed)> Fragment(
        ZsFixture fixture, Random random, int keepPercent, int count = 4000, int bytesMax = 4096)
    {
        var live = new Dictionary<ZsHandle, (int Bytes, int Seed)>();
        for (int i = 0; i < count; i++)
        {
            // Few sizes, so that each class has many zspages.
            int bytes = 1 + (random.Next(8) * (bytesMax - 1) / 8);
            live.Add(fixture.Store(bytes, i), (bytes, i));
        }

        foreach (ZsHandle handle in live.Keys.Where(_ => random.Next(100) >= keepPercent).ToArray())
        {
            live.Remove(handle);
            fixture.Pool.Free(handle);
        }

        return live;
    }
}
