using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed unsafe class LargeBlocksTests
{
    private const nuint MiB = 1 << 20;

    [LinuxFact]
    public void A_block_that_the_system_does_not_take_back_is_kept_without_its_content_and_reused()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, retainBytesMax: 0))
        {
            nuint[] blocks = [.. Enumerable.Range(0, 100).Select(_ => Alloc(large, 3 * MiB))];
            Assert.All(blocks, block => *(int*)block = 1);
            platform.FailCall(1, kind: PlatformCall.Release, times: int.MaxValue);

            Assert.All(blocks, block => Assert.True(large.TryFree(block)));

            Assert.Equal((0ul, 0L, 0ul), large.Statistics);
            Assert.All(blocks, block => Assert.False(large.TryFree(block)));
            Assert.Equal((nuint)0, large.StartOf(blocks[0] + 5));
            Assert.True(platform.CountResident(blocks[0], 3 * MiB, out nuint pages).Succeeded);
            Assert.Equal(0u, pages);
            int reserved = platform.Calls(PlatformCall.Reserve);
            nuint[] again = [.. Enumerable.Range(0, 100).Select(_ => Alloc(large, 3 * MiB))];
            Assert.Equal(blocks.Order(), again.Order());
            Assert.Equal(reserved, platform.Calls(PlatformCall.Reserve));
            Assert.All(again, block => Assert.Equal(0, *(int*)block));
            Assert.All(again, block => Assert.True(large.TryFree(block)));

            platform.FailNothing();
            large.Trim(long.MaxValue);
            Assert.All(blocks, block => Assert.False(large.TryFree(block)));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void A_heap_goes_although_the_system_does_not_take_its_blocks()
    {
        var platform = new FaultyPlatform();
        var large = new LargeBlocks(platform, 64 * MiB);
        nuint block = Alloc(large, 3 * MiB);
        nuint freed = Alloc(large, 3 * MiB);
        large.TryFree(freed);
        platform.FailCall(1, kind: PlatformCall.Release, times: int.MaxValue);

        large.Dispose();

        Assert.Equal((0ul, 0L, 0ul), large.Statistics);
        platform.FailNothing();
        Assert.True(platform.Release(block, 3 * MiB).Succeeded && platform.Release(freed, 3 * MiB).Succeeded);
    }

    [LinuxFact]
    public void A_block_that_grows_by_small_steps_moves_a_few_times_only()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 64 * MiB))
        {
            nuint block = Alloc(large, 2 * MiB + 4096);
            *(int*)block = 42;
            for (nuint bytes = 2 * MiB + 4096; bytes <= 512 * MiB; bytes += 4096)
            {
                if (large.BytesOf(block) < bytes)
                {
                    Assert.True(large.TryResize(block, bytes, out block));
                }
            }

            Assert.Equal(42, *(int*)block);
            Assert.InRange(platform.Calls(PlatformCall.Resize), 1, 60);
            Assert.True(large.TryFree(block));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void A_block_that_may_not_grow_by_more_grows_by_what_was_asked()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 0))
        {
            nuint block = Alloc(large, 4 * MiB);
            platform.FailCall(1, kind: PlatformCall.Resize);

            Assert.True(large.TryResize(block, (4 * MiB) + 4096, out block));

            Assert.Equal((4 * MiB) + 4096, large.BytesOf(block));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void Blocks_of_all_sizes_are_reused_out_of_each_other()
    {
        var platform = new FaultyPlatform();
        var random = new Random(7);
        using (var large = new LargeBlocks(platform, 64 * MiB))
        {
            var live = new (nuint Block, nuint Bytes)[8];
            int calls = 0;
            for (int i = 0; i < 4000; i++)
            {
                ref (nuint Block, nuint Bytes) slot = ref live[random.Next(live.Length)];
                if (slot.Block != 0)
                {
                    Assert.Equal(slot.Bytes, *(nuint*)slot.Block);
                    Assert.Equal(slot.Bytes, *(nuint*)(slot.Block + slot.Bytes - 8));
                    Assert.True(large.TryFree(slot.Block));
                }

                slot.Bytes = (nuint)random.Next(512, 2048) * 4096;
                slot.Block = Alloc(large, slot.Bytes);
                *(nuint*)slot.Block = slot.Bytes;
                *(nuint*)(slot.Block + slot.Bytes - 8) = slot.Bytes;
                calls = i == 999 ? platform.TotalCalls : calls;
            }

            // 3,000 replacements, of which nearly all are served without the system.
            Assert.InRange(platform.TotalCalls - calls, 0, 600);
            Assert.InRange(large.Statistics.RetainedBytes, 0ul, 64 * MiB);
            Assert.All(live, slot => Assert.True(slot.Block == 0 || large.TryFree(slot.Block)));
            large.Trim(long.MaxValue);
            Assert.Equal((0ul, 0L, 0ul), large.Statistics);
        }

        platform.AssertNothingLeaked();
    }

    private static nuint Alloc(LargeBlocks large, nuint bytes)
    {
        Assert.True(large.TryAlloc(bytes, 16, zeroed: false, out nuint block));
        return block;
    }
}
