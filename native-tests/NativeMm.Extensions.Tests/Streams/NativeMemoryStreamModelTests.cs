using System.Buffers;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

/// <summary>Random calls on a stream and on the framework's: the same answers, the same exceptions, the same content.</summary>
public sealed class NativeMemoryStreamModelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Stream_equals_the_frameworks_whatever_is_called(int seed)
    {
        var random = new Random(seed);
        using var pool = new NativeBufferPool(new BufferPoolOptions { BlockBytesMin = 512, Checked = seed == 4 });
        for (int round = 0; round < 60; round++)
        {
            using var expected = new MemoryStream();
            using var actual = new NativeMemoryStream(pool);
            var log = new List<string>();
            for (int step = 0; step < 80; step++)
            {
                string call = Step(random, expected, actual);
                log.Add(call);
                string calls = $"seed {seed}, round {round}: {string.Join(", ", log)}";
                Assert.True(expected.Length == actual.Length && expected.Position == actual.Position, calls);
                Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()), calls);
                Assert.True(actual.GetReadOnlySequence().ToArray().AsSpan().SequenceEqual(expected.ToArray()), calls);
            }
        }

        // The checked mode keeps some back for a while.
        pool.Trim();
        Assert.Equal(0, pool.GetStatistics().RentsNow);
    }

    private static string Step(Random random, MemoryStream expected, NativeMemoryStream actual)
    {
        int count = random.Next(4) == 0 ? random.Next(5000) : random.Next(100);
        byte[] data = new byte[count];
        random.NextBytes(data);
        switch (random.Next(12))
        {
            case 0 or 1:
                expected.Write(data);
                actual.Write(data);
                return $"write {count}";
            case 2:
                expected.WriteByte((byte)count);
                actual.WriteByte((byte)count);
                return "write byte";
            case 3:
                byte[] mine = new byte[count];
                int read = expected.Read(data);
                Assert.Equal(read, actual.Read(mine));
                Assert.Equal(data[..read], mine[..read]);
                return $"read {count}";
            case 4:
                Assert.Equal(expected.ReadByte(), actual.ReadByte());
                return "read byte";
            case 5:
                var origin = (SeekOrigin)random.Next(4);
                long offset = random.Next(-2000, 4000);
                Same(() => expected.Seek(offset, origin), () => actual.Seek(offset, origin));
                return $"seek {offset} {origin}";
            case 6:
                int length = random.Next(-1, 6000);
                Same(() => expected.SetLength(length), () => actual.SetLength(length));
                return $"set length {length}";
            case 7:
                long place = random.Next(-1, 7000);
                Same(() => expected.Position = place, () => actual.Position = place);
                return $"position {place}";
            case 8:
                using (var left = new MemoryStream())
                using (var right = new MemoryStream())
                {
                    expected.CopyTo(left);
                    actual.CopyTo(right);
                    Assert.Equal(left.ToArray(), right.ToArray());
                }

                return "copy to";
            case 9:
                int hint = random.Next(3) == 0 ? 0 : count;
                Span<byte> span = actual.GetSpan(hint);
                Assert.True(span.Length >= int.Max(hint, 1));
                int used = int.Min(random.Next(span.Length + 1), count);
                data.AsSpan()[..used].CopyTo(span);
                actual.Advance(used);
                if (used != 0)
                {
                    // A writer that says nothing was written does nothing; a write of nothing may make a stream longer.
                    expected.Write(data, 0, used);
                }

                return $"writer {hint} {used}";
            case 10:
                actual.Capacity = long.Max(actual.Length, random.Next(8000));
                return $"capacity {actual.Capacity}";
            default:
                using (var left = new MemoryStream())
                using (var right = new MemoryStream())
                {
                    expected.WriteTo(left);
                    actual.WriteTo(right);
                    Assert.Equal(left.ToArray(), right.ToArray());
                }

                return "write to";
        }
    }

    private static void Same(Action expected, Action actual) => Assert.Equal(Record.Exception(expected)?.GetType(), Record.Exception(actual)?.GetType());
}
