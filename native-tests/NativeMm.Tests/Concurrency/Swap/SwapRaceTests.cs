using NativeMm.AddressSpaces;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Swap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Swap;

/// <summary>Several threads store, load, share and free, and every page is looked at.</summary>
public sealed class SwapRaceTests
{
    private const int Threads = 4;
    private const int Rounds = 60;
    private const int Batch = 24;

    [Theory]
    [InlineData("compressed")]
    [InlineData("file")]
    [InlineData("tiered")]
    public void Pages_of_each_thread_come_back_whole(string kind)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        using ISwapBackend swap = SwapUnderTest.Make(kind, runtime);
        var shared = new ulong[1];
        using PageBlock sharedPage = PageBlock.Compressible(1, seed: 12345);
        Assert.Equal(1, swap.Store(sharedPage.Addresses, shared));
        StartGate.Run(
            Threads,
            thread =>
            {
                var random = new Random(thread);
                using PageBlock pages = PageBlock.Compressible(Batch, thread * 1000);
                ulong[] slots = new ulong[Batch];
                for (int round = 0; round < Rounds; round++)
                {
                    SamplePages.Any(PageBlock.PageBytes, (thread * 1000) + (round * 4) + 2).CopyTo(pages[round % Batch]);
                    int count = random.Next(1, Batch + 1);
                    Assert.Equal(count, swap.Store(pages.Addresses.AsSpan(0, count), slots));
                    swap.Duplicate(shared[0]);
                    SwapBackendTests.AssertContent(swap, slots[..count], pages);
                    SwapBackendTests.AssertContent(swap, shared, sharedPage);
                    swap.Free(shared[0]);
                    SwapBackendTests.FreeAll(swap, slots[..count], validate: false);
                }
            });
        Assert.Equal(1, swap.GetStatistics().Pages);
        SwapBackendTests.AssertContent(swap, shared, sharedPage);
        swap.Validate();
        swap.Free(shared[0]);
        swap.Validate();
    }
}
