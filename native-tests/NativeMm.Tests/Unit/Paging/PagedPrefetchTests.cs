using System.Diagnostics;
using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Paging;

public sealed class PagedPrefetchTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 1024;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20 });

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public void Pages_that_are_asked_for_come_back_in_the_background()
    {
        using PagedMemory memory = Filled(strides: false);
        memory.Prefetch([.. Enumerable.Range(0, 40).Select(i => 24L * i * PageBytes)]);
        Await(() => memory.GetStatistics().Prefetched >= 20);
        Assert.InRange(memory.GetStatistics().Prefetched, 20, 40);
    }

    [Fact]
    public void With_an_offset_that_is_outside_nothing_is_asked_for()
    {
        using PagedMemory memory = Filled(strides: false);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Prefetch([24L * PageBytes, 48L * PageBytes, -1]));
        memory.Prefetch([0]);
        Await(() => memory.GetStatistics().Prefetched > 0);

        // First in, first out: what had been asked for with the wrong one would be there by now, and its access would bring nothing back.
        long before = memory.GetStatistics().PagesIn;
        _ = memory.Read<int>(24L * PageBytes);
        PagedMemoryStatistics after = memory.GetStatistics();
        Assert.Equal((1, before + 1), (after.Prefetched, after.PagesIn));
    }

    [Fact]
    public void Steps_are_noticed_and_gone_ahead_of()
    {
        using PagedMemory memory = Filled(strides: true);
        for (int round = 0; round < 3; round++)
        {
            for (int page = 0; page < Pages; page++)
            {
                Assert.Equal(page + 1, memory.Read<int>((long)page * PageBytes));
            }
        }

        Await(() => memory.GetStatistics().Prefetched > 0);
    }

    [Fact]
    public void Without_strides_nothing_is_fetched_unasked()
    {
        using PagedMemory memory = Filled(strides: false);
        for (int page = 0; page < Pages; page++)
        {
            _ = memory.Read<int>((long)page * PageBytes);
        }

        Assert.Equal(0, memory.GetStatistics().Prefetched);
    }

    private PagedMemory Filled(bool strides)
    {
        var memory = new PagedMemory((long)Pages * PageBytes, new PagedMemoryOptions { ResidentBytes = 1 << 20, StridePrefetch = strides }, _runtime);
        for (int page = 0; page < Pages; page++)
        {
            byte[] bytes = SamplePages.Compressible(PageBytes, page);
            BitConverter.TryWriteBytes(bytes, page + 1);
            memory.Write((long)page * PageBytes, bytes);
        }

        return memory;
    }

    private static void Await(Func<bool> condition)
    {
        long end = Stopwatch.GetTimestamp() + (60 * Stopwatch.Frequency);
        while (!condition())
        {
            Assert.True(Stopwatch.GetTimestamp() < end, "What was waited for did not happen.");
            Thread.Yield();
        }
    }
}
