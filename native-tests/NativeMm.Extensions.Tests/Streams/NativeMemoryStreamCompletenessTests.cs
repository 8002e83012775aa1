using System.Buffers;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

/// <summary>What the tests of RecyclableMemoryStream ask of a stream and the comparison with the framework's by random calls does not.</summary>
public sealed class NativeMemoryStreamCompletenessTests : IDisposable
{
    private const int Block = 512;

    private readonly NativeBufferPool _pool = new(new BufferPoolOptions { BlockBytesMin = Block });

    public void Dispose()
    {
        Assert.Equal(0, _pool.GetStatistics().RentsNow);
        _pool.Dispose();
    }

    [Theory]
    [InlineData(null, 0, 1)]
    [InlineData(100, -1, 1)]
    [InlineData(100, 0, -1)]
    [InlineData(100, 100, 1)]
    [InlineData(100, 0, 101)]
    [InlineData(100, 50, 51)]
    [InlineData(100, int.MaxValue, 1)]
    [InlineData(100, 1, int.MaxValue)]
    public void Part_of_an_array_that_is_none_is_refused_as_by_the_frameworks_stream(int? length, int offset, int count)
    {
        byte[]? array = length is { } bytes ? new byte[bytes] : null;
        using var expected = new MemoryStream();
        using var actual = new NativeMemoryStream(_pool);
        Assert.Equal(Name(() => expected.Read(array!, offset, count)), Name(() => actual.Read(array!, offset, count)));
        Assert.Equal(Name(() => Write(expected)), Name(() => Write(actual)));
        Assert.Equal(0, actual.Length);

        object? Write(Stream stream)
        {
            stream.Write(array!, offset, count);
            return null;
        }

        static string Name(Func<object?> call) => Assert.ThrowsAny<ArgumentException>(call) is var thrown ? $"{thrown.GetType().Name} {thrown.ParamName}" : "";
    }

    [Theory]
    [InlineData(Block - 1)]
    [InlineData(Block)]
    [InlineData(Block + 1)]
    [InlineData(25 * Block)]
    public void Bytes_one_at_a_time_are_the_bytes(int length)
    {
        byte[] data = Data(length);
        using var stream = new NativeMemoryStream(_pool);
        for (int i = 0; i < length; i++)
        {
            stream.WriteByte(data[i]);
            Assert.Equal((i + 1, i + 1), (stream.Length, stream.Position));
        }

        stream.Position = 0;
        for (int i = 0; i < length; i++)
        {
            Assert.Equal(data[i], stream.ReadByte());
            Assert.Equal(i + 1, stream.Position);
        }

        Assert.Equal(-1, stream.ReadByte());
        Assert.Equal(length, stream.Position);
    }

    [Fact]
    public void Reads_at_a_place_neither_move_the_stream_nor_ask_where_it_is()
    {
        byte[] data = Data(20 * Block);
        using var stream = new NativeMemoryStream(data, _pool);
        byte[] part = new byte[(3 * Block) + 7];
        for (int at = 0; at < data.Length; at += 311)
        {
            stream.Position = (at * 7) % data.Length;
            long before = stream.Position;
            int read = stream.ReadAt(part, at);
            Assert.Equal(int.Min(part.Length, data.Length - at), read);
            Assert.True(data.AsSpan(at, read).SequenceEqual(part.AsSpan(0, read)));
            Assert.Equal(before, stream.Position);
        }

        Assert.Equal(0, stream.ReadAt(part, data.Length));
        Assert.Equal(0, stream.ReadAt(part, long.MaxValue));
        Assert.Equal(0, stream.ReadAt([], 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.ReadAt(part, -1));
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.ReadAt(part, 0));
    }

    [Fact]
    public void Several_threads_may_read_at_places_of_their_own()
    {
        byte[] data = Data(300 * Block);
        using var stream = new NativeMemoryStream(data, _pool);
        Parallel.For(0, 8, worker =>
        {
            var random = new Random(worker);
            byte[] part = new byte[5 * Block];
            for (int i = 0; i < 2000; i++)
            {
                int at = random.Next(data.Length);
                int read = stream.ReadAt(part.AsSpan(0, random.Next(part.Length)), at);
                Assert.True(data.AsSpan(at, read).SequenceEqual(part.AsSpan(0, read)));
            }
        });
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 8 * Block)]
    [InlineData(8 * Block, 0)]
    [InlineData(100, 50)]
    [InlineData(Block - 1, 2)]
    [InlineData(Block, Block)]
    [InlineData(3, (8 * Block) - 3)]
    public void Part_can_be_written_to_another_stream(int offset, int count)
    {
        byte[] data = Data(8 * Block);
        using var stream = new NativeMemoryStream(data, _pool) { Position = 77 };
        using var other = new NativeMemoryStream(_pool);
        stream.WriteTo(other, offset, count);
        Assert.Equal(data[offset..(offset + count)], other.ToArray());
        Assert.Equal(77, stream.Position);
    }

    [Theory]
    [InlineData(-1, 1, "offset")]
    [InlineData(101, 0, "offset")]
    [InlineData(long.MaxValue, 1, "offset")]
    [InlineData(0, -1, "count")]
    [InlineData(0, 101, "count")]
    [InlineData(100, 1, "count")]
    [InlineData(1, long.MaxValue, "count")]
    public void Part_that_is_not_there_is_refused_and_nothing_is_written(long offset, long count, string name)
    {
        using var stream = new NativeMemoryStream(Data(100), _pool);
        using var other = new MemoryStream();
        ArgumentOutOfRangeException thrown = Assert.Throws<ArgumentOutOfRangeException>(() => stream.WriteTo(other, offset, count));
        Assert.Equal(name, thrown.ParamName);
        Assert.Contains("100", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(0, other.Length);
        Assert.Throws<ArgumentNullException>(() => stream.WriteTo(null!, 0, 1));
        Assert.Throws<ArgumentNullException>(() => stream.WriteTo(null!));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(Block / 2, 0)]
    [InlineData(Block / 2, 100)]
    [InlineData(Block, 0)]
    [InlineData(Block, 100)]
    [InlineData(25 * Block, 100)]
    [InlineData(25 * Block, 25 * Block)]
    public async Task Copy_to_a_file_begins_at_the_position_and_ends_at_the_end(int length, int position)
    {
        byte[] data = Data(length);
        using var stream = new NativeMemoryStream(data, _pool) { Position = position };
        string path = Path.GetTempFileName();
        try
        {
            await using (FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous))
            {
                await stream.CopyToAsync(file);
            }

            Assert.Equal(data[position..], await File.ReadAllBytesAsync(path));
            Assert.Equal(length, stream.Position);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Only_the_last_room_that_was_handed_out_is_taken_over()
    {
        using var stream = new NativeMemoryStream(_pool);
        stream.Write(Data(100));
        Memory<byte> first = stream.GetMemory(20 * Block);
        first.Span[..32].Fill(1);
        Memory<byte> second = stream.GetMemory(30 * Block);
        second.Span[..32].Fill(2);
        Assert.Equal(100, stream.Length);
        Assert.Throws<InvalidOperationException>(() => stream.Advance(second.Length + 1));
        stream.Advance(32);
        Assert.Equal((132, 132), (stream.Length, stream.Position));
        Assert.Equal(Enumerable.Repeat((byte)2, 32), stream.ToArray()[100..]);
        Assert.Throws<InvalidOperationException>(() => stream.Advance(int.MaxValue));
        Assert.Equal(132, stream.Length);
    }

    [Fact]
    public void Room_can_be_asked_for_again_and_again_and_written_over()
    {
        const int Step = 3 * Block;
        using var stream = new NativeMemoryStream(_pool);
        for (int round = 1; round <= 2; round++)
        {
            stream.Position = 0;
            for (int i = 1; i <= 32; i++)
            {
                stream.GetSpan(Step)[..Step].Fill((byte)(round * i));
                stream.Advance(Step);
                Assert.Equal((i * Step, round == 1 ? i * Step : 32 * Step), (stream.Position, stream.Length));
            }
        }

        byte[] all = stream.GetReadOnlySequence().ToArray();
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal((byte)(2 * ((i / Step) + 1)), all[i]);
        }
    }

    [Fact]
    public void Content_and_array_are_not_the_streams_memory()
    {
        byte[] data = Data(3 * Block);
        using var stream = new NativeMemoryStream(data, _pool);
        byte kept = data[0];
        data[0]++;
        byte[] copy = stream.ToArray();
        copy[1]++;
        Assert.Equal(kept, stream.ReadByte());
        Assert.Equal(data[1], stream.ReadByte());
    }

    [Fact]
    public void Place_may_lie_anywhere_without_memory_for_it_and_nothing_waits()
    {
        using var stream = new NativeMemoryStream(_pool);
        for (long place = 0; place < int.MaxValue; place += int.MaxValue / 32)
        {
            stream.Position = place;
            Assert.Equal(place, stream.Position);
            Assert.Equal(0, stream.Read(new byte[10]));
        }

        Assert.Equal((0, 0), (stream.Length, stream.Capacity));
        Assert.False(stream.CanTimeout);
        Assert.Equal("origin", Assert.Throws<ArgumentException>(() => stream.Seek(1, (SeekOrigin)99)).ParamName);
    }

    [Fact]
    public void Warm_stream_costs_one_small_object()
    {
        byte[] data = Data(1024);
        Live(10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Live(1000);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 24, 72);

        void Live(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var stream = new NativeMemoryStream(_pool);
                stream.Write(data);
            }
        }
    }

    /// <summary>By a thread of its own: what it has from the stream before is known.</summary>
    [Theory]
    [InlineData(4096, false, false)]
    [InlineData(4097, false, true)]
    [InlineData(100, true, true)]
    public void Short_stream_that_follows_another_one_rents_nothing_but_in_checked_mode(int bytes, bool isChecked, bool rents)
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = isChecked });
        (long First, bool Second, byte[] Content) seen = default;
        var thread = new Thread(() =>
        {
            using (var first = new NativeMemoryStream(Data(bytes), pool))
            {
                seen.First = pool.GetStatistics().RentsNow;
            }

            long rented = pool.GetStatistics().RentedBytes;
            using var second = new NativeMemoryStream(Data(bytes), pool);
            seen.Second = pool.GetStatistics().RentedBytes > rented;
            second.Write(Data(bytes));
            seen.Content = second.ToArray();
        });
        thread.Start();
        thread.Join();
        Assert.Equal((1, rents), (seen.First, seen.Second));
        Assert.Equal(Data(bytes), seen.Content);

        // What the checked mode keeps back counts as rented until then.
        pool.Trim();
        Assert.Equal(0, pool.GetStatistics().RentsNow);
    }

    [Fact]
    public void Stream_of_a_pool_that_ended_is_refused_whatever_its_thread_has_left()
    {
        var pool = new NativeBufferPool();
        new NativeMemoryStream(Data(10), pool).Dispose();
        pool.Dispose();
        using var stream = new NativeMemoryStream(pool);
        Assert.Throws<ObjectDisposedException>(() => stream.Write(Data(10)));
    }

    [Fact]
    public void Disposals_on_many_threads_end_a_stream_once_and_the_next_ones_have_blocks_of_their_own()
    {
        for (int round = 0; round < 200; round++)
        {
            var stream = new NativeMemoryStream(Data(3000), _pool);
            Parallel.For(0, 4, _ => stream.Dispose());
            using var one = new NativeMemoryStream(_pool);
            using var two = new NativeMemoryStream(_pool);
            one.Write(Data(3000));
            two.Write(new byte[3000]);
            Assert.Equal(Data(3000), one.ToArray());
        }

        Assert.Equal(0, _pool.GetStatistics().ExtraReturns);
    }

    private static byte[] Data(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }
}
