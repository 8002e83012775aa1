using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>Damaged pages, codecs that lie or fail: what is wrong is named, and nothing else is lost.</summary>
public sealed class CompressedPageStoreFaultTests
{
    public static TheoryData<string, int> CodecsAndSizes => PageCodecTests.CodecsAndSizes;

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void A_flipped_bit_anywhere_in_the_storage_is_found_and_named(string codec, int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = PageCodecTests.Named(codec), PageBytes = pageBytes });
        byte[] page = SamplePages.Compressible(pageBytes, 1);
        fixture.Store.Store(42, page);
        int bytes = (int)fixture.Store.GetStatistics().ComprDataBytes;
        fixture.Store.Store(41, SamplePages.Compressible(pageBytes, 2));
        fixture.Store.Store(43, SamplePages.Incompressible(pageBytes, 3));
        int seed = Environment.TickCount;
        var random = new Random(seed);
        long found = 0;
        long harmless = 0;
        for (int round = 0; round < 300; round++)
        {
            int offset = random.Next(bytes);
            byte bits = (byte)(1 << random.Next(8));
            fixture.Damage(42, offset, bits);
            byte[] loaded = SamplePages.Incompressible(pageBytes, 9);
            try
            {
                // A codec may have bits that mean nothing. Then the page is what was stored.
                Assert.True(fixture.Store.TryLoad(42, loaded));
                Assert.True(page.AsSpan().SequenceEqual(loaded), $"A wrong page was given out; seed {seed}, byte {offset}, bits {bits}.");
                harmless++;
            }
            catch (PageCorruptedException error)
            {
                found++;
                Assert.Equal(42UL, error.Key);
                Assert.Contains("Page 42", error.Message, StringComparison.Ordinal);
                Assert.True(loaded.AsSpan().IndexOfAnyExcept((byte)0) < 0, "The destination still holds something.");
            }

            fixture.Damage(42, offset, bits);
        }

        Assert.True(found > 10 * harmless && found > 100, $"{found} of {found + harmless} damages were found.");
        Assert.Equal(found, fixture.Store.GetStatistics().CorruptedLoads);
        fixture.Holds(41, SamplePages.Compressible(pageBytes, 2));
        fixture.Holds(42, page);
        fixture.Holds(43, SamplePages.Incompressible(pageBytes, 3));
    }

    [Theory]
    [InlineData(4096, 0)]
    [InlineData(4096, 4095)]
    [InlineData(65536, 4096)]
    [InlineData(65536, 65535)]
    public void A_damaged_huge_page_is_found(int pageBytes, int offset)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        byte[] page = SamplePages.Incompressible(pageBytes, 1);
        fixture.Store.Store(ulong.MaxValue, page);
        fixture.Damage(ulong.MaxValue, offset);
        PageCorruptedException error = Assert.Throws<PageCorruptedException>(() => fixture.Store.TryLoad(ulong.MaxValue, new byte[pageBytes]));
        Assert.Equal(ulong.MaxValue, error.Key);
        fixture.Damage(ulong.MaxValue, offset);
        fixture.Holds(ulong.MaxValue, page);
    }

    [Fact]
    public void A_corrupted_page_can_be_replaced_and_removed()
    {
        using var fixture = new PageStoreFixture();
        fixture.Store.Store(1, SamplePages.Incompressible(4096, 1));
        fixture.Store.Store(2, SamplePages.Incompressible(4096, 2));
        fixture.Damage(1, 100);
        fixture.Damage(2, 100);
        Assert.Throws<PageCorruptedException>(() => fixture.Store.Load(1, new byte[4096]));
        Assert.Throws<PageCorruptedException>(() => fixture.Store.Load(1, new byte[4096]));
        Assert.True(fixture.Store.Contains(1));
        fixture.RoundTrip(1, SamplePages.Compressible(4096, 3));
        Assert.True(fixture.Store.Remove(2));
        fixture.RoundTrip(2, SamplePages.Compressible(4096, 4));
    }

    [Fact]
    public void Pages_that_changed_places_are_found()
    {
        using var fixture = new PageStoreFixture();
        byte[] one = SamplePages.Incompressible(4096, 1);
        fixture.Store.Store(1, one);
        fixture.Store.Store(2, SamplePages.Incompressible(4096, 2));
        fixture.Store.Pool.Write(fixture.Store.ObjectOf(2, 0), one);
        Assert.Equal(2UL, Assert.Throws<PageCorruptedException>(() => fixture.Store.Load(2, new byte[4096])).Key);
        fixture.Holds(1, one);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(4096)]
    [InlineData(int.MaxValue)]
    public void A_length_that_cannot_be_is_refused_and_the_old_page_stays(int reported)
    {
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        byte[] page = SamplePages.Compressible(4096, 1);
        fixture.Store.Store(1, page);
        CompressedPageStoreStatistics before = fixture.Store.GetStatistics();
        codec.ReportedBytes = _ => reported;
        InvalidOperationException error =
            Assert.Throws<InvalidOperationException>(() => fixture.Store.TryStore(1, SamplePages.Compressible(4096, 2)));
        Assert.Contains($"'test' reports {reported} compressed bytes", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => fixture.Store.TryStore(2, SamplePages.Compressible(4096, 2)));
        Assert.Equal(before, fixture.Store.GetStatistics());
        fixture.Holds(1, page);
        Assert.False(fixture.Store.Contains(2));
    }

    [Fact]
    public void A_length_that_is_too_short_is_found_on_load()
    {
        var codec = new TestPageCodec { ReportedBytes = bytes => bytes / 2 };
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        fixture.Store.Store(77, SamplePages.Compressible(4096, 1));
        Assert.Equal(77UL, Assert.Throws<PageCorruptedException>(() => fixture.Store.TryLoad(77, new byte[4096])).Key);
    }

    [Fact]
    public void A_page_that_the_codec_restores_wrongly_is_found()
    {
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        byte[] page = SamplePages.Compressible(4096, 1);
        fixture.RoundTrip(77, page);
        codec.Restored = restored => restored[4095] ^= 1;
        PageCorruptedException error = Assert.Throws<PageCorruptedException>(() => fixture.Store.TryLoad(77, new byte[4096]));
        Assert.Contains("checksum", error.Message, StringComparison.Ordinal);
        codec.Restored = _ => { };
        fixture.Holds(77, page);
    }

    [Fact]
    public void A_codec_that_throws_loses_nothing()
    {
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = codec });
        byte[] page = SamplePages.Compressible(4096, 1);
        fixture.Store.Store(1, page);
        codec.Compressing = () => throw new TimeoutException("compressing");
        codec.Decompressing = () => throw new TimeoutException("restoring");
        Assert.Throws<TimeoutException>(() => fixture.Store.TryStore(1, SamplePages.Compressible(4096, 2)));
        Assert.Throws<TimeoutException>(() => fixture.Store.TryStore(2, SamplePages.Compressible(4096, 2)));
        Assert.Throws<TimeoutException>(() => fixture.Store.TryLoad(1, new byte[4096]));
        codec.Compressing = null;
        codec.Decompressing = null;
        fixture.Holds(1, page);
        Assert.False(fixture.Store.Contains(2));
        fixture.RoundTrip(2, SamplePages.Compressible(4096, 2));
    }

    [Fact]
    public void Control_that_adds_an_object_is_caught_by_the_accounting()
    {
        using var fixture = new PageStoreFixture();
        fixture.Store.Store(1, SamplePages.Compressible(4096, 1));
        fixture.Store.Validate();
        ZsHandle foreign = fixture.Store.Pool.Alloc(100);
        InvariantViolationException error = Assert.Throws<InvariantViolationException>(fixture.Store.Validate);
        Assert.Contains("name 1 objects, and the pool has 2", error.Message, StringComparison.Ordinal);
        fixture.Store.Pool.Free(foreign);
    }

    [Fact]
    public void Control_that_takes_an_object_is_caught_at_the_load_and_blocks_nobody()
    {
        using var fixture = new PageStoreFixture();
        byte[] page = SamplePages.Compressible(4096, 1);
        fixture.Store.Store(1, page);
        fixture.Store.Pool.Free(fixture.Store.ObjectOf(1, 0));
        Assert.Throws<MemoryFaultException>(() => fixture.Store.TryLoad(1, new byte[4096]));

        // The lock was given up: the same key can be asked for again, and what the pool refuses to free is out of the table all the same.
        Assert.True(fixture.Store.Contains(1));
        Assert.Throws<MemoryFaultException>(() => fixture.Store.Remove(1));
        Assert.False(fixture.Store.Contains(1));
        fixture.RoundTrip(1, page);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void A_shrinker_that_throws_while_a_page_comes_in_leaves_nothing_behind(int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        byte[] page = new byte[pageBytes];
        new Random(5).NextBytes(page);
        var shrinker = new ThrowingShrinker();
        fixture.Runtime.Frames.AddShrinker(shrinker);

        // So that the frames end in the middle of a page.
        Pfn[] odd = new Pfn[5];
        Assert.Equal(odd.Length, fixture.Runtime.Frames.AllocateBulk(Order.Zero, FrameFlags.None, odd));
        ulong key = 0;
        Assert.Throws<InvalidOperationException>(() =>
        {
            for (; key <= MemoryRuntimeOptions.CapacityBytesMin / 4096; key++)
            {
                fixture.Store.Store(key, page);
            }
        });
        Assert.False(fixture.Store.Contains(key));
        fixture.Runtime.Frames.RemoveShrinker(shrinker);
        fixture.Store.Validate();
        fixture.Holds(key - 1, page);
        fixture.Store.Clear();
        fixture.Store.Validate();
        Assert.Equal(0, fixture.Store.GetStatistics().MemUsedTotalBytes);
        fixture.Runtime.Frames.FreeBulk(odd, Order.Zero);
    }

    private sealed class ThrowingShrinker : IShrinker
    {
        public ulong Shrink(ulong framesWanted) => throw new InvalidOperationException("The program's shrinker failed.");
    }
}
