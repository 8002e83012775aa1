using System.Buffers;
using System.Text;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

public sealed class TierRecordTests
{
    private static readonly byte[] s_key = Encoding.UTF8.GetBytes("key");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1000)]
    public void Reads_what_it_wrote(int length)
    {
        byte[] value = CacheFixture.Bytes(length);
        byte[] record = Write(value);
        Assert.True(TierRecord.TryRead(s_key, record, out TierRecord read));
        Assert.Equal((77, new EntryLifetime(123, 456)), (read.Version, read.Lifetime));
        Assert.Equal(value, read.Value.ToArray());
    }

    [Fact]
    public void Every_changed_bit_is_found()
    {
        byte[] record = Write(CacheFixture.Bytes(61));
        for (int bit = 0; bit < 8 * record.Length; bit++)
        {
            record[bit >> 3] ^= (byte)(1 << (bit & 7));
            Assert.False(TierRecord.TryRead(s_key, record, out _), $"bit {bit}");
            record[bit >> 3] ^= (byte)(1 << (bit & 7));
        }

        Assert.True(TierRecord.TryRead(s_key, record, out _));
    }

    [Fact]
    public void What_is_cut_prolonged_foreign_or_of_another_key_is_found()
    {
        byte[] record = Write(CacheFixture.Bytes(61));
        for (int length = 0; length < record.Length; length++)
        {
            Assert.False(TierRecord.TryRead(s_key, record.AsMemory(0, length), out _));
        }

        Assert.False(TierRecord.TryRead(s_key, (byte[])[.. record, 0], out _));
        Assert.False(TierRecord.TryRead("kez"u8, record, out _));
        Assert.False(TierRecord.TryRead([], record, out _));
        Assert.False(TierRecord.TryRead(s_key, new byte[100], out _));
    }

    private static byte[] Write(byte[] value)
    {
        byte[] record = TierRecord.Begin(new ReadOnlySequence<byte>(value));
        TierRecord.Seal(s_key, record, 77, new EntryLifetime(123, 456), writer: 9);
        return record;
    }
}
