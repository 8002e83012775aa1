using NativeMm.Heap;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class DepotLocksTests
{
    [Fact]
    public void The_class_that_is_waited_for_most_often_is_named()
    {
        var found = new Measurement();
        DepotLocks.AddTo(found, Heap(160, 89, Row(64, 90), Row(1024, 0)), Heap(300, 95, Row(64, 91), Row(1024, 4), Row(4096, 90)), 20, 120_000);
        Assert.Equal(1, found.Metrics["depot_locks_per_thousand"]);
        Assert.Equal(50, found.Metrics["depot_waits_per_million"]);
        Assert.Equal(1024, found.Metrics["depot_waits_at"]);
    }

    [Fact]
    public void Where_nobody_waits_no_class_is_named()
    {
        var found = new Measurement();
        DepotLocks.AddTo(found, Heap(100, 9, Row(64, 9)), Heap(100, 9), 0, 1000);
        Assert.Equal(0, found.Metrics["depot_waits_per_million"]);
        Assert.DoesNotContain("depot_waits_at", found.Metrics.Keys);
    }

    [Fact]
    public void A_child_counts_the_locks_of_the_heap_alone()
    {
        Assert.Contains("depot_locks_per_thousand", Of("nativemm").Metrics.Keys);
        Assert.DoesNotContain("depot_locks_per_thousand", Of("glibc").Metrics.Keys);

        static Measurement Of(string variant)
        {
            Measurement found = ChildProcess.Launch(new MeasurementRequest(Samples.Heap(variant), 0.01, Quick: true, Pin: true), new Dictionary<string, string>());
            Assert.Null(found.Error);
            return found;
        }
    }

    private static HeapStatistics Heap(long locks, long waits, params HeapClassStatistics[] classes) => new()
    {
        Name = "heap",
        Classes = classes,
        LockAcquisitions = locks,
        LockContentions = waits,
        LargeBlocks = 0,
        LargeBytes = 0,
        LargeRetainedBytes = 0,
        GuardedBlocks = 0,
        GuardedBytes = 0,
        MetadataBytes = 0,
        ThreadCaches = 0,
        ThreadCachesAdopted = 0,
    };

    private static HeapClassStatistics Row(ulong bytes, long waits) => new()
    {
        BlockBytes = bytes,
        Slabs = 1,
        SlabBytes = 65536,
        LiveBlocks = 1,
        CachedBlocks = 0,
        FreeBlocks = 0,
        LockAcquisitions = waits,
        LockContentions = waits,
    };
}
