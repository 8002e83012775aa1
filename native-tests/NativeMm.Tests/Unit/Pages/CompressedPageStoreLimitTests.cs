using NativeMm.Buffers;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>The limit, the lack of frames, and the figures.</summary>
public sealed class CompressedPageStoreLimitTests
{
    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Beyond_the_limit_a_page_is_refused_with_the_figures(int pageBytes)
    {
        const int Pages = 10;
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes, MemoryLimitBytes = Pages * pageBytes });
        for (int key = 0; key < Pages; key++)
        {
            fixture.RoundTrip((ulong)key, SamplePages.Incompressible(pageBytes, key));
        }

        Assert.False(fixture.Store.TryStore(100, SamplePages.Incompressible(pageBytes, 100)));
        Assert.False(fixture.Store.TryStore(100, SamplePages.Incompressible(pageBytes, 100), out PageRefusal refusal));
        Assert.Equal(PageRefusal.MemoryLimit, refusal);
        OutOfMemoryException error = Assert.Throws<OutOfMemoryException>(() => fixture.Store.Store(100, SamplePages.Incompressible(pageBytes, 100)));
        Assert.Contains($"Page 100 of {pageBytes} bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains($"uses {Pages * pageBytes} bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains($"limit is {Pages * pageBytes} bytes", error.Message, StringComparison.Ordinal);
        Assert.False(fixture.Store.Contains(100));
        CompressedPageStoreStatistics statistics = fixture.Store.GetStatistics();
        Assert.Equal((3, Pages), (statistics.Refusals, statistics.Pages));
        Assert.Equal((statistics.MemLimitBytes, statistics.MemLimitBytes), (statistics.MemUsedTotalBytes, statistics.MemUsedMaxBytes));

        // Same-filled pages need no frame, and what goes makes room.
        fixture.RoundTrip(101, SamplePages.Same(pageBytes, 1));
        Assert.True(fixture.Store.Remove(0));
        Assert.True(fixture.Store.TryStore(100, SamplePages.Incompressible(pageBytes, 100), out refusal));
        Assert.Equal(PageRefusal.None, refusal);
        fixture.Store.Validate();
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    public void A_replacement_that_is_refused_leaves_the_old_page(int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes, MemoryLimitBytes = 2 * pageBytes });
        byte[] first = SamplePages.Incompressible(pageBytes, 1);
        fixture.Store.Store(1, first);
        fixture.Store.Store(2, SamplePages.Same(pageBytes, 7));
        fixture.Store.Store(3, SamplePages.Incompressible(pageBytes, 3));
        Assert.False(fixture.Store.TryStore(1, SamplePages.Incompressible(pageBytes, 4)));
        Assert.False(fixture.Store.TryStore(2, SamplePages.Incompressible(pageBytes, 5)));
        fixture.Holds(1, first);
        fixture.Holds(2, SamplePages.Same(pageBytes, 7));
        fixture.RoundTrip(1, SamplePages.Same(pageBytes, 8));
        fixture.RoundTrip(2, SamplePages.Incompressible(pageBytes, 5));
    }

    [Fact]
    public void A_store_at_its_limit_compacts_before_it_refuses()
    {
        const int Limit = 400 * 4096;
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { MemoryLimitBytes = Limit, Pool = new() { AutoCompact = false } });
        int stored = 0;
        while (fixture.Store.TryStore((ulong)stored, SamplePages.Compressible(4096, stored)))
        {
            stored++;
        }

        // Holes everywhere, but hardly a frame that is free as a whole.
        for (int key = 0; key < stored; key += 2)
        {
            Assert.True(fixture.Store.Remove((ulong)key));
        }

        int huge = 0;
        while (fixture.Store.TryStore((ulong)(1_000_000 + huge), SamplePages.Incompressible(4096, huge)))
        {
            huge++;
        }

        Assert.True(huge > 100, $"Only {huge} frames were found where about 200 should be.");
        Assert.True(fixture.Store.GetStatistics().PagesCompacted > 0);
        Assert.True(fixture.Store.GetStatistics().MemUsedTotalBytes <= Limit);
        for (int key = 1; key < stored; key += 2)
        {
            fixture.Holds((ulong)key, SamplePages.Compressible(4096, key));
        }
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    [InlineData(65536)]
    public void Whatever_number_of_frames_is_left_nothing_is_lost(int pageBytes)
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { PageBytes = pageBytes });
        byte[] first = SamplePages.Incompressible(pageBytes, 1);
        fixture.Store.Store(1, first);
        List<Pfn> taken = fixture.TakeAllFramesBut(0);
        int refused = 0;
        for (int left = 0; left <= (pageBytes / 4096) + 2; left++)
        {
            for (ulong key = 1; key < 4; key++)
            {
                if (fixture.Store.TryStore(key, SamplePages.Incompressible(pageBytes, 2), out PageRefusal refusal))
                {
                    fixture.Holds(key, SamplePages.Incompressible(pageBytes, 2));
                    fixture.Store.Store(key, SamplePages.Same(pageBytes, 0));
                    Assert.True(fixture.Store.TryStore(key, first));
                }
                else
                {
                    refused++;
                    Assert.Equal(PageRefusal.OutOfMemory, refusal);
                }

                fixture.Holds(1, first);
                fixture.Store.Validate();
            }

            fixture.GiveBack(taken, 1);
        }

        Assert.True(refused > 0);
        OutOfMemoryException? error = null;
        for (ulong key = 10; error is null; key++)
        {
            try
            {
                fixture.Store.Store(key, SamplePages.Incompressible(pageBytes, 5));
            }
            catch (OutOfMemoryException thrown)
            {
                error = thrown;
            }
        }

        Assert.Contains($"page {error.Message.Split("page ")[1].Split(' ')[0]} of {pageBytes} bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains($"of the runtime's {fixture.Runtime.Frames.Zone.Bytes} bytes", error.Message, StringComparison.Ordinal);
        fixture.Holds(1, first);
        fixture.GiveBack(taken, taken.Count);
        fixture.RoundTrip(2, SamplePages.Compressible(pageBytes, 5));
    }

    [Fact]
    public void The_figures_are_those_of_mm_stat_in_its_order()
    {
        using var fixture = new PageStoreFixture(new CompressedPageStoreOptions { MemoryLimitBytes = 1 << 20 });
        for (int key = 0; key < 40; key++)
        {
            fixture.Store.Store((ulong)key, SamplePages.Any(4096, key));
        }

        CompressedPageStoreStatistics s = fixture.Store.GetStatistics();
        Assert.Equal((40, 10, 10, 10), (s.Pages, s.SamePages, s.HugePages, s.HugePagesSince));
        Assert.Equal(s.Pages * 4096, s.OrigDataBytes);
        Assert.True(s.ComprDataBytes > s.HugePages * 4096 && s.ComprDataBytes < 30 * 4096);
        Assert.True(s.MemUsedTotalBytes >= s.ComprDataBytes && s.MemUsedMaxBytes >= s.MemUsedTotalBytes);
        Assert.Equal(1 << 20, s.MemLimitBytes);
        Assert.Equal(
            $"{s.OrigDataBytes} {s.ComprDataBytes} {s.MemUsedTotalBytes} {s.MemLimitBytes} {s.MemUsedMaxBytes} {s.SamePages} {s.PagesCompacted} {s.HugePages} {s.HugePagesSince}",
            s.ToMmStat());
        long most = s.MemUsedMaxBytes;
        fixture.Store.Clear();
        s = fixture.Store.GetStatistics();
        Assert.Equal((0, 0, 10), (s.OrigDataBytes, s.HugePages, s.HugePagesSince));
        Assert.Equal(most, s.MemUsedMaxBytes);
    }
}
