using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>Storing, loading, replacing and removing pages.</summary>
public sealed class CompressedPageStoreTests
{
    private static readonly int[] s_sizes = [4096, 16384, 65536];

    public static TheoryData<int> Sizes => [.. s_sizes];

    public static TheoryData<string, int> CodecsAndSizes => PageCodecTests.CodecsAndSizes;

    /// <summary>Kinds of <see cref="SamplePages.Any"/> by number: same-filled, incompressible, compressible; before and after.</summary>
    public static TheoryData<int, int, int> Replacements
    {
        get
        {
            var rows = new TheoryData<int, int, int>();
            foreach (int size in s_sizes)
            {
                for (int pair = 0; pair < 9; pair++)
                {
                    rows.Add(size, pair / 3, pair % 3);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void Pages_of_programs_come_back_as_they_were(string codec, int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = PageCodecTests.Named(codec), PageBytes = pageBytes });
        IReadOnlyList<byte[]> pages = SamplePages.Real(pageBytes);
        for (int i = 0; i < pages.Count; i++)
        {
            fixture.RoundTrip((ulong)i, pages[i]);
        }

        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.Equal(pages.Count, statistics.Pages);
        Assert.True(statistics.ComprDataBytes < statistics.OrigDataBytes / 2, statistics.ToString());
        fixture.Store.Validate();
        for (int i = 0; i < pages.Count; i++)
        {
            fixture.Holds((ulong)i, pages[i]);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_same_filled_page_takes_no_frame(int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        for (ulong key = 0; key < 1000; key++)
        {
            fixture.RoundTrip(key, SamplePages.Same(pageBytes, key * 0x0123456789abcdef));
        }

        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.Equal(1000, statistics.SamePages);
        Assert.Equal(1000L * pageBytes, statistics.OrigDataBytes);
        Assert.Equal((0, 0, 0), (statistics.ComprDataBytes, statistics.MemUsedTotalBytes, statistics.MemUsedMaxBytes));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void An_incompressible_page_is_kept_as_it_is(int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        for (int key = 0; key < 20; key++)
        {
            fixture.RoundTrip((ulong)key, SamplePages.Incompressible(pageBytes, key));
        }

        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.Equal((20, 20), (statistics.HugePages, statistics.HugePagesSince));
        Assert.Equal(20L * pageBytes, statistics.ComprDataBytes);
        Assert.Equal(20L * pageBytes, statistics.MemUsedTotalBytes);
        Assert.True(fixture.Store.Remove(3));
        statistics = fixture.Store.GetStatistics();
        Assert.Equal((19, 20), (statistics.HugePages, statistics.HugePagesSince));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    public void A_page_is_huge_when_its_compressed_form_saves_no_frame(int pageBytes)
    {
        // The last object of the largest compressed page is at the pool's watermark; a codec that would need one byte more has to refuse.
        var codec = new TestPageCodec();
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes, Codec = codec });
        int most = pageBytes - 4096 + fixture.Store.Pool.HugeObjectBytes;
        byte[] page = SamplePages.Compressible(pageBytes, 1);
        codec.ReportedBytes = _ => most;
        fixture.Store.Store(1, page);
        Assert.Equal((0, most), (fixture.Store.GetStatistics().HugePages, fixture.Store.GetStatistics().ComprDataBytes));
        codec.Refuses = true;
        fixture.Store.Store(1, page);
        Assert.Equal((1, pageBytes), (fixture.Store.GetStatistics().HugePages, fixture.Store.GetStatistics().ComprDataBytes));
        Assert.Equal(most, codec.Room);
    }

    [Theory]
    [MemberData(nameof(Replacements))]
    public void A_store_replaces_what_was_there(int pageBytes, int before, int after)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        fixture.RoundTrip(7, SamplePages.Any(pageBytes, 8 + before));
        fixture.RoundTrip(8, SamplePages.Any(pageBytes, 16 + before));
        byte[] page = SamplePages.Any(pageBytes, 100 + after);
        fixture.RoundTrip(7, page);
        fixture.Holds(7, page);
        fixture.Holds(8, SamplePages.Any(pageBytes, 16 + before));
        Assert.Equal(2, fixture.Store.GetStatistics().Pages);
        fixture.Store.Validate();
    }

    [Fact]
    public void Keys_are_any_numbers()
    {
        using var fixture = new PageStoreFixture();
        ulong[] keys = [0, 1, ulong.MaxValue, ulong.MaxValue - 1, 1UL << 32, 1UL << 63, 0x9E3779B97F4A7C15];
        foreach (ulong key in keys)
        {
            Assert.False(fixture.Store.Contains(key));
            Assert.False(fixture.Store.Remove(key));
            fixture.Store.Store(key, SamplePages.Compressible(4096, (int)key));
        }

        foreach (ulong key in keys)
        {
            Assert.True(fixture.Store.Contains(key));
            fixture.Holds(key, SamplePages.Compressible(4096, (int)key));
            Assert.True(fixture.Store.Remove(key));
            Assert.False(fixture.Store.Contains(key));
            Assert.False(fixture.Store.TryLoad(key, new byte[4096]));
        }

        Assert.Equal(0, fixture.Store.GetStatistics().Pages);
    }

    [Fact]
    public void A_missing_page_leaves_the_destination_alone()
    {
        using var fixture = new PageStoreFixture();
        byte[] destination = SamplePages.Incompressible(4096, 1);
        Assert.False(fixture.Store.TryLoad(5, destination));
        Assert.Equal(SamplePages.Incompressible(4096, 1), destination);
        KeyNotFoundException error = Assert.Throws<KeyNotFoundException>(() => fixture.Store.Load(5, destination));
        Assert.Contains("page 5", error.Message, StringComparison.Ordinal);
        fixture.Store.Store(5, SamplePages.Same(4096, 1));
        fixture.Store.Load(5, destination);
        Assert.Equal(SamplePages.Same(4096, 1), destination);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(4097)]
    [InlineData(65536)]
    public void Another_length_is_named_with_the_right_one(int bytes)
    {
        using var fixture = new PageStoreFixture();
        ArgumentException store = Assert.Throws<ArgumentException>(() => fixture.Store.TryStore(1, new byte[bytes]));
        ArgumentException load = Assert.Throws<ArgumentException>(() => fixture.Store.TryLoad(1, new byte[bytes]));
        Assert.Equal(("page", "destination"), (store.ParamName, load.ParamName));
        Assert.Contains($"{bytes} bytes; a page of this store has 4096", store.Message, StringComparison.Ordinal);
        Assert.Contains($"{bytes} bytes; a page of this store has 4096", load.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_are_checked()
    {
        ArgumentOutOfRangeException size = Assert.Throws<ArgumentOutOfRangeException>(() => new CompressedPageStoreOptions { PageBytes = 8192 }.Validate());
        Assert.Equal((nameof(CompressedPageStoreOptions.PageBytes), 8192), (size.ParamName, size.ActualValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompressedPageStoreOptions { MemoryLimitBytes = -1 }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompressedPageStoreOptions { MemoryLimitBytes = 4095 }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompressedPageStore(new CompressedPageStoreOptions { PageBytes = 0 }));
        Assert.Throws<ArgumentNullException>(() => new CompressedPageStoreOptions { Pool = null! }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompressedPageStoreOptions { Pool = new() { ChainFramesMax = 3 } }.Validate());
        new CompressedPageStoreOptions { MemoryLimitBytes = 4096, PageBytes = 65536 }.Validate();
    }

    [Fact]
    public void Clear_removes_everything_and_the_store_goes_on()
    {
        using var fixture = new PageStoreFixture();
        for (int i = 0; i < 500; i++)
        {
            fixture.Store.Store((ulong)i, SamplePages.Any(4096, i));
        }

        fixture.Store.Clear();
        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.Equal((0, 0, 0, 0), (statistics.Pages, statistics.ComprDataBytes, statistics.SamePages, statistics.HugePages));
        Assert.Equal(125, statistics.HugePagesSince);
        fixture.Store.Compact();
        fixture.RoundTrip(1, SamplePages.Any(4096, 2));
    }

    [Fact]
    public void The_table_of_keys_shrinks_when_pages_go()
    {
        using var fixture = new PageStoreFixture();
        long empty = fixture.Store.GetStatistics().IndexBytes;
        for (ulong key = 0; key < 50_000; key++)
        {
            fixture.Store.Store(key, SamplePages.Same(4096, key));
        }

        long full = fixture.Store.GetStatistics().IndexBytes;
        Assert.InRange(full - empty, 50_000L * PageEntry.Bytes, 50_000L * PageEntry.Bytes * 4);
        for (ulong key = 0; key < 50_000; key++)
        {
            Assert.True(fixture.Store.Remove(key));
        }

        Assert.True(fixture.Store.GetStatistics().IndexBytes - empty < (full - empty) / 20, "The table keeps its size.");
    }

    [Fact]
    public void After_the_disposal_every_use_throws()
    {
        using var runtime = new NativeMm.Runtime.MemoryRuntime();
        var store = new CompressedPageStore(null, runtime);
        store.Store(1, SamplePages.Compressible(4096, 1));
        store.Dispose();
        store.Dispose();
        byte[] page = new byte[4096];
        Assert.Throws<ObjectDisposedException>(() => store.Store(1, page));
        Assert.Throws<ObjectDisposedException>(() => store.TryLoad(1, page));
        Assert.Throws<ObjectDisposedException>(() => store.Remove(1));
        Assert.Throws<ObjectDisposedException>(() => store.Contains(1));
        Assert.Throws<ObjectDisposedException>(store.Clear);
        Assert.Throws<ObjectDisposedException>(() => store.Compact());
        Assert.Throws<ObjectDisposedException>(() => store.GetStatistics());
        Assert.Throws<ObjectDisposedException>(store.Validate);
    }

    [Theory]
    [InlineData("runtime")]
    [InlineData("heap")]
    [InlineData("pool")]
    public void With_the_end_of_what_it_stands_on_it_is_disposed(string what)
    {
        using var runtime = new NativeMm.Runtime.MemoryRuntime(new() { CapacityBytes = 64 << 20, BackgroundTrim = false });
        var store = new CompressedPageStore(null, runtime);
        byte[] page = SamplePages.Compressible(4096, 1);
        for (ulong key = 0; key < 1000; key++)
        {
            store.Store(key, page);
        }

        Action end = what switch { "runtime" => runtime.Dispose, "heap" => runtime.Heap.Dispose, _ => store.Pool.Dispose };
        end();
        Assert.Throws<ObjectDisposedException>(() => store.Store(1, page));
        Assert.Throws<ObjectDisposedException>(() => store.TryLoad(1, page));
        Assert.Throws<ObjectDisposedException>(() => store.Remove(1));
        Assert.Throws<ObjectDisposedException>(() => store.Contains(1));
        Assert.Throws<ObjectDisposedException>(store.Clear);
        Assert.Throws<ObjectDisposedException>(() => store.Compact());
        Assert.Throws<ObjectDisposedException>(() => store.GetStatistics());
        Assert.Throws<ObjectDisposedException>(store.Validate);
        store.Dispose();
        if (what != "runtime")
        {
            Assert.Equal(0u, runtime.GetStatistics().InUseBytes);
            runtime.Validate();
        }
    }

    [Fact]
    public void Without_a_runtime_it_takes_the_shared_one()
    {
        using var store = new CompressedPageStore();
        store.Store(1, SamplePages.Compressible(4096, 1));
        byte[] loaded = new byte[4096];
        Assert.True(store.TryLoad(1, loaded));
        Assert.Equal(SamplePages.Compressible(4096, 1), loaded);
        Assert.Same(PageCodecs.Default, store.Codec);
        Assert.Equal(4096, store.PageBytes);
    }

    [Theory]
    [MemberData(nameof(CodecsAndSizes))]
    public void Nothing_managed_is_allocated_when_warm(string codec, int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { Codec = PageCodecTests.OwnNamed(codec), PageBytes = pageBytes });
        byte[][] pages = [.. Enumerable.Range(0, 8).Select(seed => SamplePages.Any(pageBytes, seed))];
        byte[] loaded = new byte[pageBytes];
        StoreAndLoad();
        Assert.Equal(0, ManagedBytes.Least(StoreAndLoad));

        void StoreAndLoad()
        {
            for (int i = 0; i < 200; i++)
            {
                ulong key = (ulong)(i % 50);
                Assert.True(fixture.Store.TryStore(key, pages[i % pages.Length]) && fixture.Store.TryLoad(key, loaded) && (i % 3 != 0 || fixture.Store.Remove(key)));
            }
        }
    }
}
