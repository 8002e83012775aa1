using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Paging;

/// <summary>Threads that write, read, discard and take images of a memory four times its budget.</summary>
public sealed class PagedMemoryRaceTests : IDisposable
{
    private const int Threads = 3;
    private const int PageBytes = 4096;
    private const int Pages = 1024;
    private const int Rounds = 3000;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20 });
    private readonly PagedMemory _memory;

    public PagedMemoryRaceTests()
    {
        _memory = new PagedMemory((long)Pages * PageBytes, new PagedMemoryOptions { ResidentBytes = 1 << 20 }, _runtime);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _runtime.Dispose();
    }

    [Fact]
    public void Every_value_is_the_last_that_was_written()
    {
        StartGate.Run(
            Threads,
            thread =>
            {
                // Each thread has every third long of all pages, so that they meet in pages and not in values.
                var random = new Random(thread);
                var shadow = new long[Pages * 2];
                for (int i = 0; i < Rounds; i++)
                {
                    int at = random.Next(shadow.Length);
                    long offset = ((long)at * (PageBytes / 2)) + (8 * thread);
                    Assert.Equal(shadow[at], _memory.Read<long>(offset));
                    shadow[at] = random.NextInt64();
                    _memory.Write(offset, shadow[at]);
                }

                for (int at = 0; at < shadow.Length; at++)
                {
                    Assert.Equal(shadow[at], _memory.Read<long>(((long)at * (PageBytes / 2)) + (8 * thread)));
                }
            });
        Assert.InRange(_memory.GetStatistics().PagesOut, 1, long.MaxValue);
        _memory.Validate();
    }

    [Fact]
    public void Image_shows_one_moment_of_each_writer()
    {
        // A writer writes the same number into all of its pages, one after the other. At one moment the numbers of the pages are some n, then n − 1.
        const int PagesEach = Pages / Threads;
        int images = 0;
        StartGate.RunBeside(Threads - 1, Write, 1, (_, goesOn) => Look(goesOn));
        _memory.Validate();

        void Write(int writer)
        {
            for (long n = 1; n <= 12 || Volatile.Read(ref images) < 2; n++)
            {
                for (int page = 0; page < PagesEach; page++)
                {
                    _memory.Write(((long)((writer * PagesEach) + page) * PageBytes) + 128, n);
                }
            }
        }

        void Look(Func<bool> goesOn)
        {
            while (goesOn())
            {
                using PagedSnapshot snapshot = _memory.Snapshot();
                for (int writer = 0; writer < Threads - 1; writer++)
                {
                    int first = writer * PagesEach;
                    OneMoment.Check(PagesEach, page => snapshot.Read<long>(((long)(first + page) * PageBytes) + 128));
                }

                Interlocked.Increment(ref images);
            }
        }
    }
}
