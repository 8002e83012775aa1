using System.Runtime.InteropServices;
using NativeMm.Caching;
using NativeMm.Eviction;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>
/// How many buckets a lookup of a key that is not there reads, which every key that is set for the first time needs: entries leave everywhere in the index, not by one part of it
/// after the other, which would leave it half empty and half too full, and slots that became free take entries that had passed them.
/// </summary>
public sealed unsafe class CacheIndexSearchTests : IDisposable
{
    // Of an index that was filled once it is 2; of one that was emptied part by part it was from 60 up to all of its buckets.
    private const double LooksMax = 20;

    private readonly TestClock _clock = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
    private readonly CacheStore _store;

    public CacheIndexSearchTests() =>
        _store = CacheStore.Make<ReuseClockPolicy>(_runtime, new NativeCacheOptions { SizeLimit = 4 << 20, TimeProvider = _clock });

    public void Dispose()
    {
        _store.End();
        _runtime.Dispose();
    }

    [Theory]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(1000)]
    public void Searches_stay_short_in_a_full_cache_from_which_entries_leave_all_the_time(int bytes)
    {
        byte[] value = new byte[bytes];
        for (int key = 0; key < 400_000; key++)
        {
            Assert.True(Set(key, value, CacheTimes.Never));
        }

        Assert.NotEqual(0, _store.GetStatistics().Evictions);
        AssertShort();
    }

    [Fact]
    public void Searches_stay_short_where_entries_expire()
    {
        byte[] value = new byte[400];
        for (int key = 0; key < 160_000; key++)
        {
            // All have expired long before their turn comes.
            Assert.True(Set(key, value, CacheTimes.Now(_clock) + 100));
            if (key % 10 == 0)
            {
                _clock.Advance(1);
            }
        }

        Assert.NotEqual(0, _store.GetStatistics().Expirations);
        AssertShort();
    }

    [Fact]
    public void Searches_stay_short_where_as_many_are_removed_as_are_set()
    {
        byte[] value = new byte[8];

        // As many as come close to what the index holds before it grows once more.
        int live = 0;
        long index = 0;
        while (live < 10_000 || _store.GetStatistics().IndexBytes == index)
        {
            index = _store.GetStatistics().IndexBytes;
            Assert.True(Set(live++, value, CacheTimes.Never));
        }

        for (int key = live; key < live * 30; key++)
        {
            Assert.True(_store.Remove(BitConverter.GetBytes(key - live)));
            Assert.True(Set(key, value, CacheTimes.Never));
        }

        Assert.Equal(live, _store.Count);
        AssertShort();
    }

    [Fact]
    public void The_numbers_of_the_policy_are_the_slots_in_another_order()
    {
        for (uint buckets = CacheTable.BucketsMin; buckets < 1500; buckets += 1 + (buckets / 16))
        {
            long bytes = CacheTable.BytesOf(buckets, sizeof(uint));
            void* block = NativeMemory.AllocZeroed((nuint)bytes);
            void* segments = NativeMemory.AllocZeroed(64);
            CacheTable* table = CacheTable.Make(block, buckets, sizeof(uint), bytes, (CacheSegment*)segments);
            bool[] seen = new bool[table->SlotCount];
            for (uint item = 0; item < table->SlotCount; item++)
            {
                uint slot = CacheTable.SlotOf(table, item);
                Assert.Equal(item, CacheTable.ItemOf(table, slot));
                Assert.False(seen[slot]);
                seen[slot] = true;
            }

            // The next bucket is far from the one before.
            uint step = CacheTable.SlotOf(table, CacheBucket.Slots) / CacheBucket.Slots;
            Assert.InRange(step, buckets / 2, buckets * 3 / 4);
            NativeMemory.Free(segments);
            NativeMemory.Free(block);
        }
    }

    private bool Set(int key, byte[] value, long deadline) =>
        _store.Set(BitConverter.GetBytes(key), value, new CacheTimes(deadline, deadline, 0), CachePriority.Normal);

    private void AssertShort()
    {
        _store.Validate();
        for (uint shard = 0; shard <= _store.ShardMask; shard++)
        {
            var table = (CacheTable*)_store.Roots[shard];
            long looks = 0;
            for (uint home = 0; home < table->BucketCount; home++)
            {
                uint index = home;
                for (looks++; CacheTable.IsPassed(table, index * CacheBucket.Slots) && looks <= LooksMax * table->BucketCount; looks++)
                {
                    index = (index + 1) % table->BucketCount;
                }
            }

            Assert.InRange(looks / (double)table->BucketCount, 1, LooksMax);
        }
    }
}
