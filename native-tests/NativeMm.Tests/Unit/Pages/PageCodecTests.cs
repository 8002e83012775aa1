using NativeMm.Buffers;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>The codecs, without a store. Those whose library is not installed have no rows.</summary>
public sealed class PageCodecTests
{
    private static readonly string[] s_fastestFirst = ["lz4", "zstd", "brotli"];

    public static TheoryData<string, int> CodecsAndSizes
    {
        get
        {
            var rows = new TheoryData<string, int>();
            foreach (IPageCodec codec in PageCodecs.Available)
            {
                rows.Add(codec.Name, 4096);
                rows.Add(codec.Name, 16384);
                rows.Add(codec.Name, 65536);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void Pages_come_back_as_they_were(string name, int pageBytes)
    {
        IPageCodec codec = Named(name);
        byte[] compressed = new byte[pageBytes];
        byte[] restored = new byte[pageBytes];
        byte[][] pages = [.. SamplePages.Real(pageBytes), .. Enumerable.Range(0, 20).Select(seed => SamplePages.Compressible(pageBytes, seed))];
        long total = 0;
        foreach (byte[] page in pages)
        {
            Assert.True(codec.TryCompress(page, compressed, out int bytes));
            Assert.InRange(bytes, 1, pageBytes - 1);
            total += bytes;
            Random.Shared.NextBytes(restored);
            Assert.True(codec.TryDecompress(compressed.AsSpan(0, bytes), restored));
            Assert.Equal(page, restored);
        }

        Assert.True(total < (long)pages.Length * pageBytes / 2, $"{name} compressed {pages.Length} pages to {total} bytes.");
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void What_does_not_fit_is_refused(string name, int pageBytes)
    {
        IPageCodec codec = Named(name);
        byte[] room = new byte[pageBytes];
        Assert.False(codec.TryCompress(SamplePages.Incompressible(pageBytes, 1), room.AsSpan(0, pageBytes - 464), out _));
        Assert.False(codec.TryCompress(SamplePages.Compressible(pageBytes, 1), room.AsSpan(0, 64), out _));
        Assert.All(room[^464..], value => Assert.Equal(0, value));
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void Damaged_bytes_touch_nothing_outside_of_the_page(string name, int pageBytes)
    {
        const int Guard = 256;
        IPageCodec codec = Named(name);
        byte[] page = SamplePages.Compressible(pageBytes, 3);
        byte[] compressed = new byte[pageBytes];
        Assert.True(codec.TryCompress(page, compressed, out int bytes));
        byte[] around = new byte[pageBytes + (2 * Guard)];
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            byte[] damaged = compressed[..bytes];
            for (int flips = random.Next(1, 5); flips > 0; flips--)
            {
                damaged[random.Next(bytes)] ^= (byte)random.Next(1, 256);
            }

            // Whether it notices is its own affair.
            _ = codec.TryDecompress(damaged.AsSpan(0, random.Next(1, bytes + 1)), around.AsSpan(Guard, pageBytes));
            Assert.True(
                around.AsSpan(0, Guard).IndexOfAnyExcept((byte)0) < 0 && around.AsSpan(Guard + pageBytes).IndexOfAnyExcept((byte)0) < 0,
                $"{name} wrote outside of the page; seed {seed}, round {round}.");
        }
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void A_page_that_was_cut_off_is_not_restored(string name, int pageBytes)
    {
        IPageCodec codec = Named(name);
        byte[] compressed = new byte[pageBytes];
        Assert.True(codec.TryCompress(SamplePages.Compressible(pageBytes, 5), compressed, out int bytes));
        Assert.False(codec.TryDecompress(compressed.AsSpan(0, bytes / 2), new byte[pageBytes]));
        Assert.False(codec.TryDecompress([], new byte[pageBytes]));
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void Nothing_managed_is_allocated_when_warm(string name, int pageBytes)
    {
        IPageCodec codec = OwnNamed(name);
        byte[] page = SamplePages.Compressible(pageBytes, 7);
        byte[] compressed = new byte[pageBytes];
        byte[] restored = new byte[pageBytes];
        CompressAndRestore();
        Assert.Equal(0, ManagedBytes.Least(CompressAndRestore));

        void CompressAndRestore()
        {
            for (int i = 0; i < 20; i++)
            {
                Assert.True(codec.TryCompress(page, compressed, out int bytes) && codec.TryDecompress(compressed.AsSpan(0, bytes), restored));
            }
        }
    }

    [Fact]
    public void A_missing_library_is_no_codec()
    {
        Assert.Null(PageCodecs.FindLz4(["libnosuchlibrary.so.1", "nosuch"]));
        Assert.Null(PageCodecs.FindZstandard(["libnosuchlibrary.so.1"]));
    }

    [LinuxFact]
    public void A_library_without_the_functions_is_no_codec()
    {
        Assert.Null(PageCodecs.FindLz4(["libc.so.6"]));
        Assert.Null(PageCodecs.FindZstandard(["libc.so.6"]));
    }

    [Fact]
    public void The_default_is_the_fastest_that_is_there()
    {
        Assert.Same(PageCodecs.Available[0], PageCodecs.Default);
        Assert.Same(PageCodecs.Lz4 ?? PageCodecs.Zstandard ?? PageCodecs.Brotli, PageCodecs.Default);
        Assert.Same(PageCodecs.Brotli, PageCodecs.Available[^1]);
        IEnumerable<string> names = PageCodecs.Available.Select(codec => codec.Name);
        Assert.Equal(s_fastestFirst.Where(names.Contains), names);
    }

    [Fact]
    public void Threads_share_a_codec()
    {
        foreach (IPageCodec codec in PageCodecs.Available)
        {
            StartGate.Run(4, number =>
            {
                byte[] compressed = new byte[4096];
                byte[] restored = new byte[4096];
                for (int i = 0; i < 500; i++)
                {
                    byte[] page = SamplePages.Compressible(4096, (number * 1000) + i);
                    Assert.True(codec.TryCompress(page, compressed, out int bytes));
                    Assert.True(codec.TryDecompress(compressed.AsSpan(0, bytes), restored));
                    Assert.Equal(page, restored);
                }
            });
        }
    }

    /// <summary>A codec that no other test uses, so that its work memory is there when it is wanted.</summary>
    internal static IPageCodec OwnNamed(string name) => name switch
    {
        "lz4" => PageCodecs.FindLz4(Lz4Library.Names)!,
        "zstd" => PageCodecs.FindZstandard(ZstandardLibrary.Names)!,
        _ => PageCodecs.Brotli,
    };

    internal static IPageCodec Named(string name) => PageCodecs.Available.Single(codec => codec.Name == name);
}
