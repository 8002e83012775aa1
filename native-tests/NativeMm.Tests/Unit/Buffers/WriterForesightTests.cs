using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

public sealed class WriterForesightTests
{
    private const int KiB = 1 << 10;
    private const int MiB = 1 << 20;

    [Theory]
    [InlineData(256, 0, 256)]
    [InlineData(256, 64 * MiB, 256)]
    [InlineData(64 * KiB, 32 * KiB, 64 * KiB)]
    [InlineData(64 * KiB, MiB, MiB)]
    [InlineData(16 * KiB, 16 * MiB, 512 * KiB)]
    [InlineData(16 * KiB, int.MaxValue, 128 * 16 * KiB)]
    public void A_block_is_as_large_as_is_foreseen_within_a_step(int needed, int foreseen, int bytes) =>
        Assert.Equal((nuint)bytes, WriterForesight.BlockBytes((nuint)needed, (nuint)foreseen));

    [Fact]
    public void A_block_is_never_smaller_than_needed_and_the_way_to_what_is_foreseen_copies_little()
    {
        for (nuint foreseen = 17 * KiB; foreseen <= 512 * MiB; foreseen += foreseen / 7)
        {
            nuint copied = 0;
            nuint block = WriterForesight.BlockBytes(WriterForesight.BytesMin, foreseen);
            while (block < foreseen)
            {
                copied += block;
                nuint next = WriterForesight.BlockBytes(2 * block, foreseen);
                Assert.True(next >= 2 * block);
                block = next;
            }

            Assert.InRange(copied, 0u, foreseen / 3);
        }
    }

    [Fact]
    public void A_larger_message_is_foreseen_at_once_and_forgotten_within_some_dozen_smaller_ones()
    {
        nuint foreseen = WriterForesight.Next(20 * KiB, 64 * MiB);
        Assert.Equal((nuint)64 * MiB, foreseen);
        Assert.Equal(foreseen, WriterForesight.Next(foreseen, 1 * KiB));
        int messages = 0;
        for (; foreseen > 64 * KiB; messages++)
        {
            foreseen = WriterForesight.Next(foreseen, 32 * KiB);
        }

        Assert.InRange(messages, 10, 70);
    }
}
