using System.Buffers;
using System.Runtime.InteropServices;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

public sealed class NativeMemoryStreamTests
{
    [Fact]
    public void Everything_throws_after_the_disposal_and_a_second_one_does_nothing()
    {
        using var pool = new NativeBufferPool();
        var stream = new NativeMemoryStream(new byte[10_000], pool);
        stream.Dispose();
        stream.Dispose();
        Assert.Equal(0, pool.GetStatistics().RentsNow);
        Assert.False(stream.CanRead || stream.CanSeek || stream.CanWrite);
        Action[] uses =
        [
            () => _ = stream.Length, () => _ = stream.Position, () => stream.Position = 1, () => stream.SetLength(1),
            () => stream.Seek(0, SeekOrigin.Begin), () => stream.ReadByte(), () => stream.WriteByte(1), () => stream.Write(new byte[1]),
            () => _ = stream.Read(new byte[1]), () => stream.ToArray(), () => stream.GetReadOnlySequence(), () => stream.GetSpan(), () => stream.Advance(0),
            () => stream.CopyTo(Stream.Null), () => stream.WriteTo(Stream.Null), () => _ = stream.Capacity, () => stream.TryGetBuffer(out _),
        ];
        Assert.All(uses, use => Assert.Throws<ObjectDisposedException>(use));
    }

    [Fact]
    public void Sequence_is_the_memory_of_the_blocks_and_sockets_can_take_it()
    {
        using var pool = new NativeBufferPool();
        using var stream = new NativeMemoryStream(pool);
        byte[] data = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7))];
        stream.Write(data.AsSpan(0, 5000));
        stream.Write(data.AsSpan(5000));
        ReadOnlySequence<byte> sequence = stream.GetReadOnlySequence();
        Assert.False(sequence.IsSingleSegment);
        Assert.Equal(data, sequence.ToArray());
        foreach (ReadOnlyMemory<byte> memory in sequence)
        {
            Assert.True(MemoryMarshal.TryGetArray(memory, out _));
        }

        // Growth does not move what was there.
        stream.Write(data);
        Assert.Equal(data, sequence.ToArray());
        Assert.False(stream.TryGetBuffer(out _));
        using var small = new NativeMemoryStream([1, 2, 3], pool);
        Assert.True(small.TryGetBuffer(out ArraySegment<byte> buffer));
        Assert.Equal((byte[])[1, 2, 3], buffer.ToArray());
    }

    [Fact]
    public void Stream_of_64_MiB_has_few_blocks()
    {
        using var pool = new NativeBufferPool();
        using var stream = new NativeMemoryStream(pool);
        byte[] piece = new byte[1 << 20];
        for (int i = 0; i < 64; i++)
        {
            stream.Write(piece);
        }

        Assert.InRange(pool.GetStatistics().RentsNow, 1, 32);
        Assert.InRange(stream.Capacity, 64 << 20, 96 << 20);
    }

    [Fact]
    public void Managed_memory_does_not_grow_with_the_size_once_the_pool_is_warm()
    {
        using var pool = new NativeBufferPool();
        byte[] piece = new byte[1 << 20];
        Fill(64);
        long small = Allocated(() => Fill(1));
        long large = Allocated(() => Fill(64));
        Assert.InRange(large - small, 0, 8192);

        void Fill(int pieces)
        {
            using var stream = new NativeMemoryStream(pool);
            for (int i = 0; i < pieces; i++)
            {
                stream.Write(piece);
            }

            stream.Position = 0;
            while (stream.Read(piece) != 0)
            {
            }
        }

        static long Allocated(Action action)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void Two_gibibytes_and_more_can_be_written_and_read_back()
    {
        const long Length = (2L << 30) + 5000;
        using var pool = new NativeBufferPool();
        using var stream = new NativeMemoryStream(pool);
        byte[] piece = new byte[16 << 20];
        for (long left = Length; left > 0; left -= piece.Length)
        {
            stream.Write(piece.AsSpan(0, (int)long.Min(piece.Length, left)));
        }

        stream.Position = Length - 1;
        stream.WriteByte(7);
        Assert.Equal(Length, stream.Length);
        Assert.Equal(Length, stream.GetReadOnlySequence().Length);
        stream.Position = Length - 2;
        Assert.Equal(0, stream.ReadByte());
        Assert.Equal(7, stream.ReadByte());
        Assert.Equal(-1, stream.ReadByte());
        Assert.Throws<InvalidOperationException>(() => { stream.ToArray(); });
    }

    [Fact]
    public async Task Asynchronous_calls_end_at_once_and_honour_a_cancelled_token()
    {
        using var stream = new NativeMemoryStream();
        var cancelled = new CancellationToken(canceled: true);
        Assert.True(stream.WriteAsync(new byte[100_000]).AsTask().IsCompletedSuccessfully);
        stream.Position = 0;
        Task<int> read = stream.ReadAsync(new byte[100]).AsTask();
        Assert.True(read.IsCompletedSuccessfully);
        Assert.Equal(100, await read);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        Assert.Equal(99_900, copy.Length);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.WriteAsync(new byte[1], cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.ReadAsync(new byte[1], cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.FlushAsync(cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.CopyToAsync(copy, cancelled));
    }

    [Fact]
    public void Dirty_memory_of_the_pool_never_shows()
    {
        using var pool = new NativeBufferPool();
        using (var dirty = new NativeMemoryStream(Enumerable.Repeat((byte)0xFF, 100_000).ToArray(), pool))
        {
            Assert.Equal(100_000, dirty.Length);
        }

        using var stream = new NativeMemoryStream(pool);
        stream.SetLength(50_000);
        stream.Position = 90_000;
        stream.WriteByte(0);
        Assert.Equal(-1, stream.ToArray().AsSpan().IndexOfAnyExcept((byte)0));
        stream.SetLength(10);
        stream.SetLength(90_000);
        Assert.Equal(-1, stream.ToArray().AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Writer_that_says_too_much_is_refused()
    {
        using var stream = new NativeMemoryStream();
        Assert.Throws<InvalidOperationException>(() => stream.Advance(stream.GetSpan(10).Length + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => { stream.GetMemory(-1); });
    }

    [Fact]
    public void Forgotten_stream_returns_its_blocks_and_is_counted()
    {
        using var pool = new NativeBufferPool();
        long before = ForgottenBuffers.Count;
        Forget(pool);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(0, pool.GetStatistics().RentsNow);
        Assert.True(ForgottenBuffers.Count > before);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Forget(NativeBufferPool pool) => new NativeMemoryStream(pool).Write(new byte[10_000]);
}
