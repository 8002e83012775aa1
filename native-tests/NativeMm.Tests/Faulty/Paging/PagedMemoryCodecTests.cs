using System.Diagnostics;
using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Paging;

/// <summary>A memory whose codec throws, or takes its time.</summary>
public sealed class PagedMemoryCodecTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 1024;

    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(4);

    private readonly TestPageCodec _codec = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20 });
    private readonly PagedMemory _memory;

    public PagedMemoryCodecTests()
    {
        _memory = new PagedMemory((long)Pages * PageBytes, new PagedMemoryOptions { ResidentBytes = 1 << 20, Codec = _codec, StridePrefetch = false }, _runtime);
        for (int page = 0; page < Pages; page++)
        {
            _memory.Write((long)page * PageBytes, SamplePages.Compressible(PageBytes, page));
        }
    }

    public void Dispose()
    {
        _codec.Decompressing = null;
        _memory.Dispose();
        _runtime.Dispose();
    }

    [Fact]
    public void Codec_that_throws_is_named_by_the_access_and_no_page_counts_as_corrupted()
    {
        int refused = 0;
        byte[] found = new byte[PageBytes];
        for (int page = 0; page < Pages; page++)
        {
            _codec.Decompressing = static () => throw new OutOfMemoryException("no context");
            try
            {
                _memory.Read((long)page * PageBytes, found);
            }
            catch (PageUnavailableException failure)
            {
                refused++;
                Assert.False(failure.IsCorrupted);
                Assert.Equal(0, failure.Errno);
                Assert.Equal("no context", Assert.IsType<OutOfMemoryException>(failure.InnerException).Message);
                Assert.Contains(nameof(OutOfMemoryException), failure.Message, StringComparison.Ordinal);
                _codec.Decompressing = null;
                _memory.Read((long)page * PageBytes, found);
            }

            Assert.True(found.AsSpan().SequenceEqual(SamplePages.Compressible(PageBytes, page)), $"page {page}");
        }

        Assert.InRange(refused, Pages / 2, Pages);
        Assert.InRange(_memory.GetStatistics().FailedLoads, refused, long.MaxValue);
        _memory.Validate();
    }

    [Fact]
    public async Task Runtime_that_ends_while_a_page_is_fetched_waits_for_it_and_is_not_refused()
    {
        using var inside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        _codec.Decompressing = () =>
        {
            inside.Set();
            goOn.Wait(s_timeout);
        };
        _memory.Prefetch([.. Enumerable.Range(0, Pages / 2).Select(page => (long)page * PageBytes)]);
        Assert.True(inside.Wait(s_timeout));
        var end = Task.Factory.StartNew(_runtime.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long start = Stopwatch.GetTimestamp();
        while (!_memory.Space.IsDisposed && !end.IsCompleted)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_timeout, "The runtime does not begin to end.");
            Thread.Yield();
        }

        goOn.Set();
        await end.WaitAsync(s_timeout);
        Assert.Throws<ObjectDisposedException>(() => _memory.Read<int>(0));
    }
}
