using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Model.Paging;

/// <summary>What the policy promises, held against a memory: faults, sweeps over accessed bits, batches in the background.</summary>
public sealed class PagedLoopTests
{
    private const int PageBytes = 4096;
    private const int Budget = 2048;
    private const int Pages = 2 * Budget;

    [Theory]
    [InlineData(true, 0, 1)]
    [InlineData(false, 38, 50)]
    public void Loop_over_twice_the_budget(bool withClock, double least, double most)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 128 << 20 });
        var options = new PagedMemoryOptions { ResidentBytes = (long)Budget * PageBytes, StridePrefetch = false };
        using var memory = new PagedMemory((long)Pages * PageBytes, options, runtime, file: null, withClock);
        byte[] content = SamplePages.Compressible(PageBytes, 1);
        for (int page = 0; page < Pages; page++)
        {
            memory.Write((long)page * PageBytes, content);
        }

        Use(memory, rounds: 2);
        PagedMemoryStatistics before = memory.GetStatistics();
        Use(memory, rounds: 4);
        long misses = memory.GetStatistics().Since(before).PagesIn;
        Assert.InRange(100 * (1 - (misses / (4.0 * Pages))), least, most);
    }

    private static void Use(PagedMemory memory, int rounds)
    {
        for (int i = 0; i < rounds * Pages; i++)
        {
            _ = memory.Read<long>((long)(i % Pages) * PageBytes);
        }
    }
}
