using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

/// <summary>A stream whose own bytes are written to it, by itself or by the one that it is copied to: what the framework's makes of it.</summary>
public sealed class NativeMemoryStreamSelfTests : IDisposable
{
    private const int BlockBytes = 512;

    private readonly NativeBufferPool _pool = new(new BufferPoolOptions { BlockBytesMin = BlockBytes });

    /// <inheritdoc/>
    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(100, 0, false)]
    [InlineData(100, 0, true)]
    [InlineData(10_000, 0, false)]
    [InlineData(10_000, 0, true)]
    [InlineData(10_000, 777, false)]
    [InlineData(10_000, 777, true)]
    [InlineData(10_000, 10_000, false)]
    [InlineData(10_000, 12_000, true)]
    public async Task Copy_ends_where_the_stream_ended_whatever_is_added_meanwhile(int length, int position, bool isAsync)
    {
        using MemoryStream expected = Filled(new MemoryStream(), length, position);
        using NativeMemoryStream actual = Filled(new NativeMemoryStream(_pool), length, position);
        foreach (Stream stream in (Stream[])[expected, actual])
        {
            using var adds = new Adding(stream);
            if (isAsync)
            {
                await stream.CopyToAsync(adds);
            }
            else
            {
                stream.CopyTo(adds);
            }
        }

        Assert.Equal(expected.Position, actual.Position);
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Copy_to_itself_doubles_the_stream(bool isAsync)
    {
        using MemoryStream expected = Filled(new MemoryStream(), 10_000, 0);
        using NativeMemoryStream actual = Filled(new NativeMemoryStream(_pool), 10_000, 0);
        expected.CopyTo(expected);
        if (isAsync)
        {
            await actual.CopyToAsync(actual);
        }
        else
        {
            actual.CopyTo(actual);
        }

        Assert.Equal(20_000, actual.Position);
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()));
    }

    [Theory]
    [InlineData("copy")]
    [InlineData("copy asynchronously")]
    [InlineData("write all")]
    [InlineData("write a part")]
    public async Task Copy_of_a_stream_that_is_cut_off_meanwhile_ends_there(string call)
    {
        using NativeMemoryStream stream = Filled(new NativeMemoryStream(_pool), 10_000, 0);
        using var cuts = new Cutting(stream, 1000);
        switch (call)
        {
            case "copy":
                stream.CopyTo(cuts);
                break;
            case "copy asynchronously":
                await stream.CopyToAsync(cuts);
                break;
            case "write all":
                stream.WriteTo(cuts);
                break;
            default:
                stream.WriteTo(cuts, 0, 9000);
                break;
        }

        // What was handed over before is all that there may be beyond.
        Assert.InRange(cuts.Bytes, 1000, int.Max(1000, cuts.FirstBytes));
        Assert.Equal(1000, stream.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(BlockBytes - 1)]
    [InlineData(BlockBytes)]
    [InlineData(5000)]
    public void Bytes_of_its_own_are_written_as_they_were(int position)
    {
        using MemoryStream expected = Filled(new MemoryStream(), BlockBytes, position);
        using NativeMemoryStream actual = Filled(new NativeMemoryStream(_pool), BlockBytes, position);
        Assert.True(actual.TryGetBuffer(out ArraySegment<byte> own));
        actual.Write(own);
        expected.Write(expected.ToArray());
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Bytes_of_any_of_its_blocks_are_written_as_they_were_anywhere(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++)
        {
            int length = random.Next(1, 8000);
            int position = random.Next(9000);
            using MemoryStream expected = Filled(new MemoryStream(), length, position);
            using NativeMemoryStream actual = Filled(new NativeMemoryStream(_pool), length, position);
            List<ReadOnlyMemory<byte>> blocks = [];
            foreach (ReadOnlyMemory<byte> block in actual.GetReadOnlySequence())
            {
                blocks.Add(block);
            }

            ReadOnlyMemory<byte> own = blocks[random.Next(blocks.Count)];
            own = own[random.Next(own.Length)..];
            expected.Write(own.ToArray());
            actual.Write(own.Span);
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()), $"seed {seed}, round {round}");
        }
    }

    private static T Filled<T>(T stream, int length, int position)
        where T : Stream
    {
        // In pieces, so that the blocks are small.
        for (int i = 0; i < length; i++)
        {
            stream.WriteByte((byte)(i * 7 / 5));
        }

        stream.Position = position;
        return stream;
    }

    /// <summary>Writes what it gets behind the end of another stream.</summary>
    private sealed class Adding(Stream other) : Sink
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            // A copy that does not end must not take all memory there is.
            Assert.True(other.Length < 100_000);
            byte[] copy = buffer.ToArray();
            long position = other.Position;
            other.Position = other.Length;
            other.Write(copy);
            other.Position = position;
        }
    }

    private sealed class Cutting(Stream other, int length) : Sink
    {
        public int FirstBytes { get; private set; }

        public int Bytes { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            FirstBytes = Bytes == 0 ? buffer.Length : FirstBytes;
            Bytes += buffer.Length;
            other.SetLength(length);
            ((NativeMemoryStream)other).Capacity = length;
        }
    }

    private abstract class Sink : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
