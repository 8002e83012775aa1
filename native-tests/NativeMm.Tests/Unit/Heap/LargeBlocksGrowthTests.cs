using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>What is kept grows into blocks that are larger.</summary>
public sealed unsafe class LargeBlocksGrowthTests
{
    private const nuint MiB = 1 << 20;

    /// <summary>Each block is made before the one before it goes, as a vector's are. All that it ever freed together would be several times what it uses.</summary>
    [LinuxTheory]
    [InlineData(1.03)]
    [InlineData(1.5)]
    [InlineData(2.0)]
    public void A_vector_that_grows_has_no_more_than_its_old_and_its_new_block(double factor)
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 1024 * MiB))
        {
            nuint bytes = 2 * MiB;
            nuint block = Alloc(large, bytes);
            Write(block, bytes);
            for (int step = 0; bytes < 150 * MiB; step++)
            {
                nuint more = (nuint)(bytes * factor) & ~(nuint)4095;
                nuint next = Alloc(large, more);
                Write(next, more);
                Assert.Equal((bytes + more, 2L, 0ul), large.Statistics);
                Assert.Equal(step, platform.Calls(PlatformCall.Resize));
                AssertWritten(block, bytes);
                Assert.True(large.TryFree(block));
                (block, bytes) = (next, more);
            }

            AssertWritten(block, bytes);
            Assert.True(large.TryFree(block));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void What_it_had_of_pages_is_there_and_the_system_is_asked_for_no_mapping()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 64 * MiB))
        {
            nuint block = Alloc(large, 8 * MiB);
            new Span<byte>((void*)block, (int)(8 * MiB)).Fill(1);
            Assert.True(large.TryFree(block));
            int reserved = platform.Calls(PlatformCall.Reserve);
            block = Alloc(large, 20 * MiB);
            Assert.Equal(reserved, platform.Calls(PlatformCall.Reserve));
            Assert.Equal((20ul << 20, 1L, 0ul), large.Statistics);
            Assert.True(platform.CountResident(block, 20 * MiB, out nuint pages).Succeeded);
            Assert.Equal(8 * MiB / 4096, pages);
            Assert.True(large.TryFree(block));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void It_reads_as_zero_where_that_is_asked_for()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 64 * MiB))
        {
            nuint block = Alloc(large, 8 * MiB);
            new Span<byte>((void*)block, (int)(8 * MiB)).Fill(1);
            Assert.True(large.TryFree(block));
            Assert.True(large.TryAlloc(20 * MiB, 4096, zeroed: true, out block));
            Assert.Equal(1, platform.Calls(PlatformCall.Resize));
            Assert.Equal(-1, new Span<byte>((void*)block, (int)(20 * MiB)).IndexOfAnyExcept((byte)0));
            Assert.True(large.TryFree(block));

            // A range that cannot be made zero is not handed out; a new one is.
            platform.FailCall(1, kind: PlatformCall.Discard, times: int.MaxValue);
            Assert.True(large.TryAlloc(40 * MiB, 4096, zeroed: true, out block));
            platform.FailNothing();
            Assert.Equal(0, *(int*)block);
            Assert.True(large.TryFree(block));
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void The_largest_one_grows_and_only_one_that_is_worth_it()
    {
        var platform = new FaultyPlatform();
        using (var large = new LargeBlocks(platform, 64 * MiB))
        {
            // None is as long as what its address is a multiple of, so that no two of them are neighbours.
            nuint[] blocks = [.. new nuint[] { 3, 6, 4 }.Select(size => Alloc(large, size * MiB, alignment: 16 * MiB))];
            Assert.All(blocks, block => Assert.True(large.TryFree(block)));
            Assert.Equal(13ul << 20, large.Statistics.RetainedBytes);
            nuint grown = Alloc(large, 24 * MiB);
            Assert.Equal(7ul << 20, large.Statistics.RetainedBytes);
            nuint mapped = Alloc(large, 17 * MiB);
            Assert.Equal(7ul << 20, large.Statistics.RetainedBytes);
            Assert.True(large.TryAlloc(8 * MiB, 2 * MiB, zeroed: false, out nuint aligned));
            Assert.Equal((0u, 7ul << 20), (aligned % (2 * MiB), large.Statistics.RetainedBytes));
            Assert.Equal(1, platform.Calls(PlatformCall.Resize));
            Assert.All([grown, mapped, aligned], block => Assert.True(large.TryFree(block)));
        }

        platform.AssertNothingLeaked();
    }

    /// <summary>Whichever call the system refuses: the block is there, or nothing has changed but what was kept.</summary>
    [LinuxFact]
    public void Refused_calls_lose_nothing()
    {
        for (int call = 1; call <= 6; call++)
        {
            for (int times = 1; times <= 3; times++)
            {
                var platform = new FaultyPlatform();
                using (var large = new LargeBlocks(platform, 64 * MiB))
                {
                    nuint live = Alloc(large, 3 * MiB);
                    nuint block = Alloc(large, 8 * MiB);
                    Write(block, 8 * MiB);
                    Assert.True(large.TryFree(block));
                    platform.FailCall(call, kind: null, times: times);
                    bool isThere = large.TryAlloc(20 * MiB, 4096, zeroed: true, out block, out nuint length);
                    platform.FailNothing();
                    (ulong used, long blocks, ulong kept) = large.Statistics;
                    Assert.Equal(isThere ? (23ul << 20, 2L) : (3ul << 20, 1L), (used, blocks));
                    Assert.InRange(kept, 0ul, 8ul << 20);
                    Assert.Equal(isThere ? 20 * MiB : 0, length);
                    Assert.Equal(isThere, block != 0);
                    if (isThere)
                    {
                        Assert.Equal(-1, new Span<byte>((void*)block, (int)(20 * MiB)).IndexOfAnyExcept((byte)0));
                        Assert.True(large.TryFree(block));
                    }

                    Assert.True(large.TryFree(live));
                }

                platform.AssertNothingLeaked();
            }
        }
    }

    private static void Write(nuint block, nuint bytes) => (*(nuint*)block, *(nuint*)(block + bytes - 8)) = (bytes, bytes + 1);

    private static void AssertWritten(nuint block, nuint bytes) => Assert.Equal((bytes, bytes + 1), (*(nuint*)block, *(nuint*)(block + bytes - 8)));

    private static nuint Alloc(LargeBlocks large, nuint bytes, nuint alignment = 4096)
    {
        Assert.True(large.TryAlloc(bytes, alignment, zeroed: false, out nuint block));
        return block;
    }
}
