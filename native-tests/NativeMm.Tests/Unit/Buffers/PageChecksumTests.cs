using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>What the checksum of a page finds, and that it is what its summary says.</summary>
public sealed class PageChecksumTests
{
    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void It_is_CRC32C_in_four_lanes(int pageBytes)
    {
        byte[] page = SamplePages.Compressible(pageBytes, 11);
        ulong[] words = MemoryMarshal.Cast<byte, ulong>(page).ToArray();
        uint[] lanes = [BitByBit(0, 77), 1, 2, 3];
        for (int i = 0; i < words.Length; i++)
        {
            lanes[i % 4] = BitByBit(lanes[i % 4], words[i]);
        }

        uint expected = BitByBit(BitByBit(lanes[0], ((ulong)lanes[1] << 32) | lanes[2]), lanes[3], 32);
        Assert.Equal(expected, PageChecksum.Compute(page, 77));
    }

    [Fact]
    public void Every_flipped_bit_is_found()
    {
        byte[] page = SamplePages.Compressible(4096, 12);
        uint checksum = PageChecksum.Compute(page, 5);
        for (int bit = 0; bit < 4096 * 8; bit++)
        {
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(checksum, PageChecksum.Compute(page, 5));
            page[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 4)]
    [InlineData(7, 510)]
    public void Words_that_changed_places_are_found(int one, int other)
    {
        byte[] page = SamplePages.Incompressible(4096, 13);
        uint checksum = PageChecksum.Compute(page, 5);
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        (words[one], words[other]) = (words[other], words[one]);
        Assert.NotEqual(checksum, PageChecksum.Compute(page, 5));
    }

    [Fact]
    public void The_key_is_part_of_it()
    {
        byte[] page = SamplePages.Compressible(4096, 14);
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(key => PageChecksum.Compute(page, (ulong)key)).Distinct().Count());
    }

    private static uint BitByBit(uint crc, ulong data, int bits = 64)
    {
        for (int i = 0; i < bits; i++)
        {
            uint low = (crc ^ (uint)(data >> i)) & 1;
            crc = (crc >> 1) ^ (low * 0x82F63B78);
        }

        return crc;
    }
}
