using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>What the checksum of a page finds, and that it is what its summary says.</summary>
public sealed class PageChecksumTests
{
    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void It_is_CRC32C_in_four_lanes_each_permuted(int pageBytes)
    {
        byte[] page = SamplePages.Compressible(pageBytes, 11);
        ulong[] words = MemoryMarshal.Cast<byte, ulong>(page).ToArray();
        uint[] lanes = [BitByBit(0, 77), 1, 2, 3];
        for (int i = 0; i < words.Length; i++)
        {
            lanes[i % 4] = BitByBit(lanes[i % 4], words[i]);
        }

        uint[] factors = [0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F];
        Assert.Equal(lanes.Zip(factors, Permuted).Aggregate((sum, lane) => sum ^ lane), PageChecksum.Compute(page, 77));
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

    /// <summary>What a codec makes of a damaged byte that later matches copy.</summary>
    [Fact]
    public void One_error_that_repeats_at_any_distance_is_found()
    {
        byte[] page = SamplePages.Compressible(4096, 15);
        uint checksum = PageChecksum.Compute(page, 5);
        var random = new Random(16);
        for (int distance = 1; distance < 2048; distance++)
        {
            for (int round = 0; round < 20; round++)
            {
                byte bits = (byte)random.Next(1, 256);
                int first = random.Next(distance);
                int copies = random.Next(2, 9);
                Flip(page, first, distance, copies, bits);
                Assert.True(checksum != PageChecksum.Compute(page, 5), $"{copies} errors {bits} from byte {first} on, {distance} bytes apart, cancel.");
                Flip(page, first, distance, copies, bits);
            }
        }
    }

    private static void Flip(byte[] page, int first, int distance, int copies, byte bits)
    {
        for (int i = 0; i < copies && first + (i * distance) < page.Length; i++)
        {
            page[first + (i * distance)] ^= bits;
        }
    }

    private static uint Permuted(uint lane, uint factor)
    {
        lane *= factor;
        lane = (lane ^ (lane >> 15)) * 0x2C1B3C6D;
        lane = (lane ^ (lane >> 12)) * 0x297A2D39;
        return lane ^ (lane >> 15);
    }

    private static uint BitByBit(uint crc, ulong data)
    {
        for (int i = 0; i < 64; i++)
        {
            uint low = (crc ^ (uint)(data >> i)) & 1;
            crc = (crc >> 1) ^ (low * 0x82F63B78);
        }

        return crc;
    }
}
