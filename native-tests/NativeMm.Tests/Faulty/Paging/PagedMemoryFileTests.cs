using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Paging;

/// <summary>A memory over a file that fails: clear errors at the access that needs the file, and nothing lost that is in memory.</summary>
public sealed class PagedMemoryFileTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 700;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
    private readonly FaultyBackingFile _file = new();
    private readonly PagedMemory _memory;

    public PagedMemoryFileTests()
    {
        var options = new PagedMemoryOptions { ResidentBytes = 1 << 20, StridePrefetch = false };
        _memory = new PagedMemory(Pages * PageBytes, options, _runtime, _file);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _runtime.Dispose();
    }

    [Fact]
    public void Incompressible_pages_come_back_from_the_file()
    {
        Assert.Equal(Pages, Write());
        Assert.InRange(_memory.GetStatistics().FilePageBytes, 400L * PageBytes, long.MaxValue);
        AssertContent(Pages);
        _memory.Validate();
    }

    [Fact]
    public void Full_disk_is_told_by_the_access_that_needs_room_and_nothing_is_lost()
    {
        _file.DiskPages = 100;
        int written = Write();
        Assert.InRange(written, 300, 100 + 256);

        // What is in memory can be read; for what is on file there is no room to bring it back.
        Assert.InRange(Enumerable.Range(0, written).Count(IsReadable), 200, written);
        _file.DiskPages = long.MaxValue;
        Assert.Equal(Pages, Write(written));
        AssertContent(Pages);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Writes_that_fail_now_and_then_lose_nothing(int each)
    {
        _file.FailWriteEach = each;
        int written = Write();
        _file.FailWriteEach = 0;
        Assert.Equal(Pages, Write(written));
        AssertContent(Pages);
    }

    [Fact]
    public void Read_that_fails_is_told_with_the_address_and_succeeds_later()
    {
        Write();
        _file.FailReadEach = 1;
        var failure = Assert.Throws<PageUnavailableException>(() => AssertContent(Pages));
        Assert.False(failure.IsCorrupted);
        Assert.Equal(ErrorNumber.DeviceFailed, failure.Errno);
        Assert.Contains($"{failure.Address:x}", failure.Message, StringComparison.Ordinal);
        _file.FailReadEach = 0;
        AssertContent(Pages);
    }

    [Fact]
    public void Read_that_comes_short_is_told_as_that_and_not_as_an_error_without_a_number()
    {
        Write();
        _file.ReadShortBy = PageBytes;
        var failure = Assert.Throws<PageUnavailableException>(() => AssertContent(Pages));
        Assert.Equal((false, 0), (failure.IsCorrupted, failure.Errno));
        Assert.Contains("less than a page could be read", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("errno", failure.Message, StringComparison.Ordinal);
        _file.ReadShortBy = 0;
        AssertContent(Pages);
    }

    [Fact]
    public void Corrupted_page_is_named_and_all_others_are_there()
    {
        Write();
        _file.Damage(page: 17, at: 99);
        var corrupted = new List<long>();
        for (int page = 0; page < Pages; page++)
        {
            try
            {
                AssertPage(page);
            }
            catch (PageUnavailableException problem)
            {
                Assert.True(problem.IsCorrupted);
                Assert.Equal(_memory.Base + ((long)page * PageBytes), problem.Address);
                corrupted.Add(page);
            }
        }

        Assert.Single(corrupted);
        Assert.InRange(_memory.GetStatistics().FailedLoads, 1, 2);
    }

    /// <summary>The memory is far below its budget then: pages of its own leave all the same, for the frames that the next ones need.</summary>
    [Fact]
    public void When_others_have_all_frames_the_pages_of_the_memory_leave_for_each_other()
    {
        Assert.Equal(100, Write(0, 100));
        List<Pfn> taken = TakeAllFrames();
        Assert.Equal(Pages, Write(100));
        AssertContent(Pages);
        using (PagedSnapshot image = _memory.Snapshot())
        {
            _memory.Write(0, 1L);
            Assert.NotEqual(1L, image.Read<long>(0));
        }

        _runtime.Frames.FreeBulk(taken.ToArray(), Order.Zero);
        _memory.Write(0, SamplePages.Incompressible(PageBytes, 0));
        AssertContent(Pages);
        _memory.Validate();
    }

    [Fact]
    public void When_others_have_all_frames_and_no_page_can_leave_the_access_says_so_and_nothing_is_lost()
    {
        Assert.Equal(100, Write(0, 100));
        _file.DiskPages = 0;
        List<Pfn> taken = TakeAllFrames();
        Assert.InRange(Write(100), 100, 199);
        _runtime.Frames.FreeBulk(taken.ToArray(), Order.Zero);
        Assert.Equal(200, Write(100, 200));
        AssertContent(200);
    }

    private List<Pfn> TakeAllFrames()
    {
        var taken = new List<Pfn>();
        while (_runtime.Frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _))
        {
            taken.Add(frame);
        }

        return taken;
    }

    /// <summary>Writes pages until there is no room.</summary>
    /// <returns>How many of the first are written.</returns>
    private int Write(int first = 0, int end = Pages)
    {
        for (int page = first; page < end; page++)
        {
            try
            {
                _memory.Write((long)page * PageBytes, SamplePages.Incompressible(PageBytes, page));
            }
            catch (OutOfMemoryException)
            {
                return page;
            }
        }

        return end;
    }

    private bool IsReadable(int page)
    {
        try
        {
            AssertPage(page);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private void AssertContent(int pages)
    {
        for (int page = 0; page < pages; page++)
        {
            AssertPage(page);
        }
    }

    private void AssertPage(int page)
    {
        byte[] found = new byte[PageBytes];
        _memory.Read((long)page * PageBytes, found);
        Assert.True(found.AsSpan().SequenceEqual(SamplePages.Incompressible(PageBytes, page)), $"page {page}");
    }
}
