using NativeMm.Lab.Experiments.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Workers call the pool as their tables say, go on where they stopped, and leave nothing behind.</summary>
public sealed class PoolWorkloadTests
{
    private const int Slots = 200;
    private static readonly int[] s_sizes = [1, 30, 700, 4096];

    [Fact]
    public void The_workload_makes_sense_to_a_pool_that_checks_every_call()
    {
        var pool = new CheckingPool();
        var workload = new PoolWorkload<CheckingPool.Handle>(new CheckingPool.Handle(pool), 1, Slots, s_sizes);
        workload.SetUp(0);
        Assert.Equal(Slots * 3 / 10, pool.Objects);
        int length = workload.Workers[0].Table.Length;
        for (int done = 0; done < 3 * length; done += 97)
        {
            workload.Run<ReadClockOff>(0, 97);
        }

        int position = workload.Workers[0].Position;
        workload.Run<ReadClockOff>(0, length - position);
        Assert.Equal(0, workload.Workers[0].Position);
        Assert.Equal(Slots * 3 / 10, pool.Objects);
        workload.Clear(0);
        Assert.Equal(0, pool.Objects);
    }

    [Fact]
    public void Every_read_is_timed_when_the_clock_is_on()
    {
        var pool = new CheckingPool();
        var workload = new PoolWorkload<CheckingPool.Handle>(new CheckingPool.Handle(pool), 1, Slots, s_sizes);
        workload.SetUp(0);
        workload.Run<ReadClockOn>(0, 1000);
        Assert.Equal(pool.Reads, workload.Workers[0].Reads.Count);
        Assert.InRange(pool.Reads, 300, 500);
    }
}
