using NativeMm.Buffers;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

public sealed class MirroredRingBufferTests
{
    [LinuxFact]
    public void What_wraps_is_one_span()
    {
        using MemoryRuntime runtime = MappedBufferTests.MakeRuntime();
        using var ring = new MirroredRingBuffer(5000, runtime);
        Assert.Equal(8192, ring.Capacity);
        ring.GetWriteSpan()[..8000].Fill(1);
        ring.Advance(8000);
        ring.Consume(7990);
        Span<byte> room = ring.GetWriteSpan();
        Assert.Equal(8182, room.Length);
        for (int i = 0; i < 1000; i++)
        {
            room[i] = (byte)(i + 2);
        }

        ring.Advance(1000);
        ReadOnlySpan<byte> all = ring.GetReadSpan();
        Assert.Equal(1010, all.Length);
        Assert.Equal(1, all[9]);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal((byte)(i + 2), all[10 + i]);
        }
    }

    [LinuxFact]
    public void Full_and_empty_are_told_apart_and_too_much_is_refused()
    {
        using MemoryRuntime runtime = MappedBufferTests.MakeRuntime();
        using var ring = new MirroredRingBuffer(4096, runtime);
        Assert.True(ring.GetReadSpan().IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Consume(1));
        ring.Advance(4096);
        Assert.True(ring.GetWriteSpan().IsEmpty);
        Assert.Equal(4096, ring.ReadableBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Advance(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MirroredRingBuffer(0, runtime));
    }

    [LinuxFact]
    public void A_ring_over_a_scattered_zone_is_few_mappings()
    {
        using MemoryRuntime runtime = MappedBufferTests.MakeRuntime();
        Pfn[] frames = new Pfn[2048];
        runtime.Vmap.AllocateFrames(frames);
        runtime.Vmap.FreeFrames([.. frames.OrderBy(frame => frame.Value).Where((_, i) => i % 2 == 0)]);
        using var ring = new MirroredRingBuffer(1 << 20, runtime);
        VmapAreaInfo area = Assert.Single(runtime.Vmap.GetAreas());
        Assert.Equal((512u, 2u), (area.Pages, area.Mappings));
    }

    [LinuxFact]
    public void A_third_thread_sees_a_fill_that_a_ring_can_have()
    {
        using MemoryRuntime runtime = MappedBufferTests.MakeRuntime();
        using var ring = new MirroredRingBuffer(4096, runtime);
        int wrong = 0;
        int looks = 0;
        StartGate.RunBeside(1, _ => Move(), 1, (_, goesOn) => Look(goesOn));
        Assert.Equal(0, wrong);

        void Move()
        {
            for (int i = 0; i < 10_000_000 || Volatile.Read(ref looks) < 1000; i++)
            {
                ring.Advance(4096);
                ring.Consume(4096);
            }
        }

        void Look(Func<bool> goesOn)
        {
            while (goesOn())
            {
                (int readable, int writable) = (ring.ReadableBytes, ring.WritableBytes);
                wrong += readable is < 0 or > 4096 || writable is < 0 or > 4096 ? 1 : 0;
                Volatile.Write(ref looks, looks + 1);
            }
        }
    }

    [LinuxFact]
    public void A_writer_and_a_reader_move_a_block_of_bytes_in_order()
    {
        const int Total = 2_000_000;
        using MemoryRuntime runtime = MappedBufferTests.MakeRuntime();
        using var ring = new MirroredRingBuffer(4096, runtime);
        StartGate.Run(2, thread =>
        {
            var random = new Random(thread);
            var wait = default(SpinWait);
            for (int done = 0; done < Total;)
            {
                int moved = thread == 0 ? Write(ring, done, Total, random) : Read(ring, done, random);
                done += moved;
                if (moved == 0)
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }
            }
        });
        Assert.Equal(0, ring.ReadableBytes);
    }

    [LinuxFact]
    public void A_disposed_ring_throws_and_its_frames_are_free()
    {
        using MemoryRuntime runtime = MappedBufferTests.MakeRuntime();
        var ring = new MirroredRingBuffer(100_000, runtime);
        ring.Dispose();
        ring.Dispose();
        Assert.Throws<ObjectDisposedException>(() => ring.GetWriteSpan());
        Assert.Throws<ObjectDisposedException>(() => ring.GetReadSpan());
        runtime.Vmap.Purge();
        Assert.Equal(0ul, runtime.Vmap.GetStatistics().Frames.AllocatedFrames);
        runtime.Validate();
    }

    private static int Write(MirroredRingBuffer ring, int done, int total, Random random)
    {
        Span<byte> room = ring.GetWriteSpan();
        int count = int.Min(int.Min(room.Length, total - done), random.Next(1, 3000));
        for (int i = 0; i < count; i++)
        {
            room[i] = (byte)((done + i) * 31);
        }

        ring.Advance(count);
        return count;
    }

    private static int Read(MirroredRingBuffer ring, int done, Random random)
    {
        ReadOnlySpan<byte> bytes = ring.GetReadSpan();
        int count = int.Min(bytes.Length, random.Next(1, 3000));
        for (int i = 0; i < count; i++)
        {
            if (bytes[i] != (byte)((done + i) * 31))
            {
                Assert.Fail($"Byte {done + i} is {bytes[i]}.");
            }
        }

        ring.Consume(count);
        return count;
    }
}
