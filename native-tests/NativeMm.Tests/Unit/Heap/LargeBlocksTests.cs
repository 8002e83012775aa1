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
    public void What_is_kept_beyond_a_bound_is_the_systems_to_take()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 64 * MiB, retainTouchedBytesMax: 8 * MiB))
        {
            nuint[] blocks = [.. Enumerable.Range(0, 4).Select(_ => Alloc(large, 4 * MiB))];
            int discards = platform.Calls(PlatformCall.Discard);
            Assert.All(blocks, block => Assert.True(large.TryFree(block)));
            Assert.Equal((0ul, 0L, 16UL << 20), large.Statistics);
            Assert.Equal(2, platform.Calls(PlatformCall.Discard) - discards);

            int reserved = platform.Calls(PlatformCall.Reserve);
            nuint[] again = [.. Enumerable.Range(0, 4).Select(_ => Alloc(large, 4 * MiB))];
            Assert.Equal(reserved, platform.Calls(PlatformCall.Reserve));

            // A system that cannot do that gets the block.
            platform.FailCall(1, kind: PlatformCall.Discard, times: int.MaxValue);
            Assert.All(again, block => Assert.True(large.TryFree(block)));
            Assert.Equal((0ul, 0L, 8UL << 20), large.Statistics);
            platform.FailNothing();
        }

        platform.AssertNothingLeaked();
    }

    /// <summary>Together with what is kept it would be twice the burst.</summary>
    [LinuxFact]
    public void What_is_kept_of_a_burst_goes_as_a_block_grows()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 1024 * MiB))
        {
            nuint[] blocks = [.. Enumerable.Range(0, 100).Select(_ => Alloc(large, 8 * MiB))];
            nuint grows = Alloc(large, 3 * MiB);
            Assert.All(blocks, block => Assert.True(large.TryFree(block)));
            Assert.Equal(800UL << 20, large.Statistics.RetainedBytes);

            Assert.True(large.TryResize(grows, 700 * MiB, out nuint moved));

            Assert.Equal((700UL << 20, 1L, RetainWindow.PlainBytesMax), large.Statistics);
            Assert.True(large.TryFree(moved));
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

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(1500)]
    public void Neighbours_go_with_one_call_at_the_end(int count)
    {
        var platform = new FaultyPlatform();
        var large = new LargeBlocks(platform, retainBytesMax: 0);
        nuint[] blocks = [.. Enumerable.Range(0, count).Select(_ => Alloc(large, 3 * MiB))];
        Assert.All(blocks, block => *(int*)block = 1);
        foreach (nuint block in blocks.Where((_, i) => i % 7 == 3))
        {
            Assert.True(large.TryFree(block));
        }

        nuint[] left = [.. blocks.Where((_, i) => i % 7 != 3).Order()];
        int runs = 0;
        int inRun = 0;
        for (int i = 0; i < left.Length; i++)
        {
            // With their pages no more than 8 MiB go together.
            inRun = i > 0 && left[i] == left[i - 1] + (3 * MiB) && inRun < 2 ? inRun + 1 : 1;
            runs += inRun == 1 ? 1 : 0;
        }

        int before = platform.Calls(PlatformCall.Release);
        large.Dispose();

        // The table's own memory goes as well.
        Assert.Equal(runs + 1, platform.Calls(PlatformCall.Release) - before);
        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void Without_their_pages_all_neighbours_go_with_one_call()
    {
        var platform = new FaultyPlatform();
        var large = new LargeBlocks(platform, 64 * MiB);
        nuint[] blocks = [.. Enumerable.Range(0, 500).Select(_ => Alloc(large, 3 * MiB)).Order()];
        int runs = 1 + Enumerable.Range(1, blocks.Length - 1).Count(i => blocks[i] != blocks[i - 1] + (3 * MiB));
        large.NotePagesGone();
        int before = platform.Calls(PlatformCall.Release);

        large.Dispose();

        Assert.Equal(runs + 1, platform.Calls(PlatformCall.Release) - before);
        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void Neighbours_that_the_system_does_not_take_together_go_one_by_one()
    {
        var platform = new FaultyPlatform();
        var large = new LargeBlocks(platform, 64 * MiB);
        nuint[] blocks = [.. Enumerable.Range(0, 20).Select(_ => Alloc(large, 3 * MiB)).Order()];
        foreach (nuint block in blocks)
        {
            *(int*)block = 1;
        }

        large.NotePagesGone();

        // The call that is refused must be one for several: others of the process may lie between the first of them.
        int call = 1;
        int first = 0;
        while (first + 1 < blocks.Length && blocks[first + 1] != blocks[first] + (3 * MiB))
        {
            call++;
            first++;
        }

        Assert.True(first + 1 < blocks.Length, "No two of twenty blocks lie side by side.");
        platform.FailCall(call, kind: PlatformCall.Release);

        large.Dispose();

        Assert.Equal(1, platform.Failures);
        platform.AssertNothingLeaked();
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

    /// <summary>A burst far above what is kept in any case, in blocks of any size and freed in any order, finds its memory when it comes again.</summary>
    [LinuxFact]
    public void A_burst_that_comes_again_is_served_without_the_system()
    {
        var platform = new FaultyPlatform();
        var random = new Random(11);
        using (var large = new LargeBlocks(platform, 2048 * MiB))
        {
            nuint[] sizes = [.. Enumerable.Range(0, 120).Select(_ => (nuint)random.Next(512, 4096) * 4096)];
            nuint[] live = [.. sizes.Select(bytes => Alloc(large, bytes))];
            ulong burst = large.Statistics.LiveBytes;
            ulong most = burst;
            Assert.True(burst > RetainWindow.PlainBytesMax * 3);
            for (int round = 0; round < 10; round++)
            {
                random.Shuffle(live);
                Assert.All(live, block => Assert.True(large.TryFree(block)));
                Assert.InRange(large.Statistics.RetainedBytes, burst, most);
                int calls = platform.TotalCalls;
                live = [.. sizes.Select(bytes => Alloc(large, bytes))];

                // A range that is a little too large serves as a whole.
                burst = large.Statistics.LiveBytes;
                most = ulong.Max(most, burst);
                Assert.InRange(platform.TotalCalls - calls, 0, sizes.Length / 4);
            }

            Assert.All(live, block => Assert.True(large.TryFree(block)));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void In_use_and_kept_are_no_more_than_a_burst_was_or_a_plain_amount()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 2048 * MiB))
        {
            nuint[] live = [.. Enumerable.Range(0, 50).Select(_ => Alloc(large, 12 * MiB))];
            Assert.All(live, block => Assert.True(large.TryFree(block)));

            // Larger than any range that is kept, unless they are neighbours: each needs a mapping, and pushes out what is kept.
            ulong peak = 50 * 12 * MiB;
            nuint[] others = new nuint[20];
            for (int i = 0; i < others.Length; i++)
            {
                others[i] = Alloc(large, 700 * MiB / (nuint)others.Length * ((nuint)(i % 3) + 1));
                (ulong used, _, ulong kept) = large.Statistics;
                peak = ulong.Max(peak, used);
                Assert.InRange(kept, 0ul, ulong.Max(peak - used, RetainWindow.PlainBytesMax));
            }

            Assert.All(others, block => Assert.True(large.TryFree(block)));
            Assert.Equal(ulong.Min(peak, 2048 * MiB), large.Statistics.RetainedBytes);
        }

        platform.AssertNothingLeaked();
    }

    /// <summary>A small block that comes and goes beside much that nobody uses makes all of it look young, for neighbours are one range.</summary>
    [LinuxFact]
    public void What_nobody_needs_goes_though_its_neighbour_is_in_use()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 2048 * MiB))
        {
            Assert.True(large.TryFree(Alloc(large, 200 * MiB)));
            large.Trim(0);
            Assert.Equal(200 * MiB, large.Statistics.RetainedBytes);
            long begun = Environment.TickCount64;
            while (Environment.TickCount64 - begun < 50)
            {
                nuint block = Alloc(large, 4 * MiB);
                Assert.True(large.TryFree(block));
            }

            // Each of the two looks ends a window. The first one began before all this.
            large.Trim(begun - 1000);
            Assert.InRange(large.Statistics.RetainedBytes, 4 * MiB, 200 * MiB);
            while (Environment.TickCount64 - begun < 100)
            {
                Assert.True(large.TryFree(Alloc(large, 4 * MiB)));
            }

            large.Trim(Environment.TickCount64 - 1);
            Assert.InRange(large.Statistics.RetainedBytes, 0ul, 4 * MiB);
        }

        platform.AssertNothingLeaked();
    }

    /// <summary>A page that was discarded and is written again is a fault, which takes many times what clearing takes.</summary>
    [LinuxFact]
    public void A_block_that_was_written_is_cleared_without_the_system()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, retainBytesMax: 64 * MiB))
        {
            const int Bytes = (5 << 20) + 4096;
            nuint block = Alloc(large, Bytes);
            new Span<byte>((void*)block, Bytes).Fill(0xEE);
            Assert.True(large.TryFree(block));

            Assert.True(large.TryAlloc(Bytes, 16, zeroed: true, out nuint again));
            Assert.Equal(block, again);
            Assert.Equal(0, platform.Calls(PlatformCall.Discard));
            Assert.False(new ReadOnlySpan<byte>((void*)again, Bytes).ContainsAnyExcept((byte)0));
            Assert.True(large.TryFree(again));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_block_did_not_touch_stays_with_the_system_when_it_becomes_zero(bool countFails)
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, retainBytesMax: 64 * MiB))
        {
            const int Bytes = 8 << 20;
            const int Written = 3 << 20;
            nuint block = Alloc(large, Bytes);
            _ = SystemPlatform.Current.AdviseHugePages(block, Bytes, enabled: false);
            new Span<byte>((byte*)block + (2 << 20), Written).Fill(0xEE);
            ((byte*)block)[0] = 1;
            ((byte*)block)[Bytes - 1] = 1;
            Assert.True(large.TryFree(block));
            if (countFails)
            {
                platform.FailCall(1, kind: PlatformCall.CountResident, times: int.MaxValue);
            }

            Assert.True(large.TryAlloc(Bytes, 16, zeroed: true, out nuint again));
            platform.FailNothing();
            Assert.Equal(block, again);
            Assert.True(SystemPlatform.Current.CountResident(again, Bytes, out nuint pages).Succeeded);
            Assert.Equal(countFails ? 0 : Written / SystemPlatform.Current.PageBytes, pages);
            Assert.False(new ReadOnlySpan<byte>((void*)again, Bytes).ContainsAnyExcept((byte)0));
            Assert.True(large.TryFree(again));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void A_very_large_block_is_not_cleared_by_hand()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, retainBytesMax: 64 * MiB))
        {
            nuint block = Alloc(large, LargeBlocks.ClearedBytesMax + MiB);
            *(byte*)block = 1;
            Assert.True(large.TryFree(block));
            Assert.True(large.TryAlloc(LargeBlocks.ClearedBytesMax + MiB, 16, zeroed: true, out nuint again));
            Assert.Equal(0, platform.Calls(PlatformCall.CountResident));
            Assert.Equal(1, platform.Calls(PlatformCall.Discard));
            Assert.Equal(0, *(byte*)again);
            Assert.True(large.TryFree(again));
        }

        platform.AssertNothingLeaked();
    }

    private static nuint Alloc(LargeBlocks large, nuint bytes)
    {
        Assert.True(large.TryAlloc(bytes, 16, zeroed: false, out nuint block));
        return block;
    }
}
