using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

/// <summary>Lengths and places at the end of what there can be, and beyond.</summary>
public sealed class NativeMemoryStreamRangeTests
{
    private const long Max = NativeMemoryStream.LengthMax;

    [Theory]
    [InlineData(-1)]
    [InlineData(Max + 1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Length_place_and_capacity_out_of_range_are_refused_by_value_and_range(long value)
    {
        using var pool = new NativeBufferPool();
        using var stream = new NativeMemoryStream([1, 2, 3], pool);
        long rents = pool.GetStatistics().RentsNow;
        Action[] uses = [() => stream.SetLength(value), () => stream.Position = value, () => stream.Capacity = value, () => new NativeMemoryStream(value, pool).Dispose()];
        Assert.All(uses, use =>
        {
            string message = Assert.Throws<ArgumentOutOfRangeException>(use).Message;
            Assert.Contains($"{value}", message, StringComparison.Ordinal);
            Assert.Contains($"to {Max} bytes", message, StringComparison.Ordinal);
        });
        Assert.Equal((byte[])[1, 2, 3], stream.ToArray());
        Assert.Equal((0, rents), (stream.Position, pool.GetStatistics().RentsNow));
    }

    [Theory]
    [InlineData(SeekOrigin.Begin)]
    [InlineData(SeekOrigin.Current)]
    [InlineData(SeekOrigin.End)]
    public void Seek_neither_overflows_nor_goes_too_far(SeekOrigin origin)
    {
        using var stream = new NativeMemoryStream([1, 2, 3]);
        stream.Position = 2;
        Assert.Throws<ArgumentOutOfRangeException>(() => { stream.Seek(long.MaxValue, origin); });
        Assert.Throws<IOException>(() => { stream.Seek(long.MinValue, origin); });
        Assert.Equal(2, stream.Position);
        Assert.Equal(Max, stream.Seek(Max - (origin == SeekOrigin.Begin ? 0 : origin == SeekOrigin.Current ? 2 : 3), origin));
    }

    [Fact]
    public void Nothing_can_be_written_behind_the_last_place_and_nothing_is_rented_for_it()
    {
        using var pool = new NativeBufferPool();
        using var stream = new NativeMemoryStream(pool) { Position = Max };
        Action[] writes = [() => stream.WriteByte(1), () => stream.Write(new byte[10]), () => stream.GetSpan(), () => stream.GetMemory(1000)];
        Assert.All(writes, write => Assert.Contains($"{Max}", Assert.Throws<IOException>(write).Message, StringComparison.Ordinal));
        Assert.Equal((0, 0), (stream.Length, pool.GetStatistics().RentsNow));
        Assert.Equal(-1, stream.ReadByte());
    }

    /// <summary>A pool that ends stands for one without memory: the stream gives back what it took on the way.</summary>
    [Fact]
    public void Growth_that_fails_leaves_the_stream_as_it_was()
    {
        var pool = new NativeBufferPool();
        using var stream = new NativeMemoryStream([1, 2, 3], pool);
        long capacity = stream.Capacity;
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.SetLength(10 << 20));
        Assert.Equal((3, capacity), (stream.Length, stream.Capacity));
        Assert.Equal((byte[])[1, 2, 3], stream.ToArray());
    }
}
