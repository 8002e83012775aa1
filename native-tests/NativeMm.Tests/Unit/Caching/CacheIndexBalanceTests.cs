using NativeMm.Caching;
using NativeMm.Eviction;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>
/// How far a lookup in vain goes in a cache that has been full for a while: entries leave everywhere in the index, not by one part of it after the other, which would leave it half
/// empty and half too full.
/// </summary>
public sealed unsafe class CacheIndexBalanceTests : IDisposable
{
    // Of a table that was filled once it is 2; of one that was emptied part by part it was from 60 up to all of its buckets.
    private const double BucketsMax = 20;

    private readonly TestClock _clock = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
    private readonly CacheStore _store;

    public CacheIndexBalanceTests() =>
        _store = CacheStore.Make<ReuseClockPolicy>(_runtime, new NativeCacheOptions { SizeLimit = 8 << 20, TimeProvider = _clock });

    public void Dispose()
    {
        _store.End();
        _runtime.Dispose();
    }

    [Fact]
    public void Entries_that_are_evicted_leave_the_index_even()
    {
        int key = 0;
        for (int round = 0; round < 8; round++)
        {
            for (int i = 0; i < 20_000; i++)
            {
                Assert.True(Set(key++, CacheTimes.Never));
            }
        }

        Assert.NotEqual(0, _store.GetStatistics().Evictions);
        AssertEven();
    }

    [Fact]
    public void Entries_that_expire_leave_the_index_even()
    {
        int key = 0;
        for (int round = 0; round < 8; round++)
        {
            for (int i = 0; i < 20_000; i++)
            {
                // All have expired long before their turn comes.
                long now = CacheTimes.Now(_clock);
                Assert.True(Set(key++, now + 100));
                if (i % 10 == 0)
                {
                    _clock.Advance(1);
                }
            }
        }

        Assert.NotEqual(0, _store.GetStatistics().Expirations);
        AssertEven();
    }

    private bool Set(int key, long deadline) => _store.Set(BitConverter.GetBytes(key), new byte[400], new CacheTimes(deadline, deadline, 0), CachePriority.Normal);

    private void AssertEven()
    {
        for (uint shard = 0; shard <= _store.ShardMask; shard++)
        {
            var table = (CacheTable*)_store.Roots[shard];
            long buckets = 0;
            for (uint home = 0; home < table->BucketCount; home++)
            {
                uint index = home;
                for (buckets++; CacheTable.BucketAt(table, index)->Passed != 0 && buckets <= BucketsMax * table->BucketCount; buckets++)
                {
                    index = (index + 1) % table->BucketCount;
                }
            }

            Assert.InRange(buckets / (double)table->BucketCount, 1, BucketsMax);
        }

        _store.Validate();
    }
}
