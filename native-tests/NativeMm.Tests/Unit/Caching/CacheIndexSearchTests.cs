using System.Reflection;
using System.Runtime.InteropServices;
using NativeMm.Caching;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>How many buckets a lookup of a key that is not there reads, which every key that is set for the first time needs.</summary>
public sealed unsafe class CacheIndexSearchTests : IDisposable
{
    private const BindingFlags Hidden = BindingFlags.NonPublic | BindingFlags.Instance;
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20 });

    public void Dispose() => _runtime.Dispose();

    [Theory]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(1000)]
    public void Searches_stay_short_in_a_full_cache_from_which_entries_leave_all_the_time(int bytes)
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 4 << 20 });
        byte[] value = new byte[bytes];
        for (int i = 0; i < 400_000; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), value));
        }

        cache.Validate();
        Assert.InRange(MeanLooks(cache), 1, 25);
    }

    [Fact]
    public void Searches_stay_short_where_as_many_are_removed_as_are_set()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 4 << 20 });
        byte[] value = new byte[8];

        // As many as come close to what the index holds before it grows once more.
        int live = 0;
        long index = 0;
        while (live < 10_000 || cache.GetStatistics().IndexBytes == index)
        {
            index = cache.GetStatistics().IndexBytes;
            cache.Set(BitConverter.GetBytes(live++), value);
        }

        for (int i = live; i < live * 30; i++)
        {
            Assert.True(cache.Remove(BitConverter.GetBytes(i - live)));
            Assert.True(cache.Set(BitConverter.GetBytes(i), value));
        }

        cache.Validate();
        Assert.Equal(live, cache.Count);
        Assert.InRange(MeanLooks(cache), 1, 25);
    }

    [Fact]
    public void The_numbers_of_the_policy_are_the_slots_in_another_order()
    {
        for (uint buckets = CacheTable.BucketsMin; buckets < 1500; buckets += 1 + (buckets / 16))
        {
            void* block = NativeMemory.AllocZeroed((nuint)CacheTable.BytesOf(buckets, sizeof(uint)));
            void* segments = NativeMemory.AllocZeroed(64);
            CacheTable* table = CacheTable.Make(block, buckets, sizeof(uint), charge: 0, (CacheSegment*)segments);
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

    private static double MeanLooks(NativeCache cache)
    {
        object store = typeof(NativeCache).GetField("_store", Hidden)!.GetValue(cache)!;
        var shards = (Array)store.GetType().GetField("_shards", Hidden)!.GetValue(store)!;
        (double looks, double buckets) = (0, 0);
        foreach (object shard in shards)
        {
            var table = (CacheTable*)Pointer.Unbox(shard.GetType().GetField("_table", Hidden)!.GetValue(shard)!);
            buckets += table->BucketCount;
            for (uint first = 0; first < table->BucketCount; first++)
            {
                uint length = 1;
                for (uint at = first; length < table->BucketCount && CacheTable.IsPassed(table, at * CacheBucket.Slots); at = (at + 1) % table->BucketCount)
                {
                    length++;
                }

                looks += length;
            }
        }

        return looks / buckets;
    }
}
