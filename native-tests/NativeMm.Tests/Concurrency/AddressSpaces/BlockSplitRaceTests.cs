using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.AddressSpaces.Tables;
using Xunit;

namespace NativeMm.Tests.Concurrency.AddressSpaces;

/// <summary>Threads let frames of one block go at once, and another one takes and marks what has become free.</summary>
public sealed unsafe class BlockSplitRaceTests
{
    private const int Rounds = 40;
    private const int Droppers = 3;
    private const ulong Mark = 0xBAD;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void No_frame_is_free_too_early_and_none_is_lost(int together)
    {
        using var fixture = new BlockFixture();
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(round);
            fixture.Begin();
            int[] order = [.. Enumerable.Range(0, BlockFixture.Frames)];
            random.Shuffle(order);
            foreach (int frame in order)
            {
                *(ulong*)fixture.Address(frame) = (ulong)frame + 1;
            }

            int left = Droppers;
            StartGate.Run(Droppers + 1, thread =>
            {
                if (thread == Droppers)
                {
                    TakeAndMark(fixture, new Random(round), () => Volatile.Read(ref left) != 0);
                    return;
                }

                int[] own = [.. order.Where((_, i) => i % Droppers == thread)];
                foreach (int[] frames in own.Chunk(together))
                {
                    Drop(fixture, frames);
                }

                Interlocked.Decrement(ref left);
            });
            Assert.Equal(0u, fixture.Out);
            fixture.Allocator.Validate();
        }
    }

    private static void Drop(BlockFixture fixture, int[] frames)
    {
        foreach (int frame in frames)
        {
            Assert.Equal((ulong)frame + 1, *(ulong*)fixture.Address(frame));
        }

        if (frames.Length == 1)
        {
            fixture.Drop(frames[0]);
        }
        else
        {
            fixture.Tables.DropUnused([.. frames.Select(frame => (ulong)fixture.Address(frame))]);
        }
    }

    /// <summary>The next owner of what went: nobody changes what he writes into the frame and keeps about it.</summary>
    private static void TakeAndMark(BlockFixture fixture, Random random, Func<bool> goesOn)
    {
        List<int> taken = [];
        bool isLast = false;
        while (!isLast)
        {
            // One look more after the last frame went.
            isLast = !goesOn();
            int frame = random.Next(4) == 0 ? 0 : random.Next(BlockFixture.Frames);
            if (fixture.Allocator.TryAllocateAt(new Pfn(fixture.Block.Value + (uint)frame), 1, out _))
            {
                *(ulong*)fixture.Address(frame) = Mark;
                fixture.Tables.FrameOf(fixture.Address(frame)).Begin(isInBlock: false);
                fixture.Tables.FrameOf(fixture.Address(frame)).Slot = Mark;
                taken.Add(frame);
            }
        }

        foreach (int frame in taken)
        {
            Assert.Equal(Mark, *(ulong*)fixture.Address(frame));
            Assert.True(fixture.Tables.FrameOf(fixture.Address(frame)) is { IsOwn: true, Slot: Mark }, $"Somebody changed what the next owner of frame {frame} keeps about it.");
            fixture.Allocator.Free(new Pfn(fixture.Block.Value + (uint)frame), Order.Zero);
        }
    }
}
