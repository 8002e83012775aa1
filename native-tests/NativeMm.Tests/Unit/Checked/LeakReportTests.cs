using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>What <c>Dispose</c> says about what was left behind.</summary>
public sealed unsafe class LeakReportTests
{
    private readonly RawNativeHeap _raw = new("leaky");

    [Fact]
    public void Leaks_are_grouped_by_stack_largest_first()
    {
        LeakReport? report = null;
        var heap = new CheckedBlocks(_raw, new CheckedOptions { StackSampleInterval = 1, LeakHandler = found => report = found });
        for (int i = 0; i < 3; i++)
        {
            AllocSmall(heap);
        }

        AllocLarge(heap);
        heap.Free(heap.Alloc(5000, 16, zeroed: false));
        heap.Dispose();
        Assert.NotNull(report);
        Assert.Equal(4, report.Blocks);
        Assert.Equal(1030ul, report.Bytes);
        Assert.Collection(
            report.Sites,
            site =>
            {
                Assert.Equal((1, 1000ul), (site.Blocks, site.Bytes));
                Assert.Contains(nameof(AllocLarge), site.Stack, StringComparison.Ordinal);
            },
            site =>
            {
                Assert.Equal((3, 30ul), (site.Blocks, site.Bytes));
                Assert.Contains(nameof(AllocSmall), site.Stack, StringComparison.Ordinal);
            });
        Assert.Contains("heap 'leaky' was disposed with 4 blocks (1030 bytes)", report.ToString(), StringComparison.Ordinal);
        Assert.Contains(nameof(AllocLarge), report.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, _raw.Outstanding);
    }

    [Fact]
    public void Leaks_without_stacks_are_grouped_by_size()
    {
        LeakReport? report = null;
        var heap = new CheckedBlocks(_raw, new CheckedOptions { LeakHandler = found => report = found });
        AllocSmall(heap);
        AllocSmall(heap);
        AllocLarge(heap);
        Assert.Equal(3, heap.ReportLive().Blocks);
        heap.Dispose();
        Assert.Equal([new LeakSite(null, 1, 1000), new LeakSite(null, 2, 20)], report!.Sites);
        Assert.Contains("2 blocks, 20 bytes, each 10 bytes, stack not sampled", report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_heap_in_use_tells_what_it_holds()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            BackgroundTrim = false,
            Checked = new CheckedOptions { Enabled = true, Leaks = LeakPolicy.Ignore },
        });
        void* kept = runtime.Heap.Alloc(100);
        runtime.Heap.Free(runtime.Heap.Alloc(200));
        LeakReport report = runtime.Heap.GetLeakReport()!;
        Assert.Equal([new LeakSite(null, 1, 100)], report.Sites);
        Assert.StartsWith("NativeMm: heap 'runtime' has 1 block (100 bytes) still allocated.", report.ToString(), StringComparison.Ordinal);
        CheckedStatistics counts = runtime.GetStatistics().Heaps[0].Checked!.Value;
        Assert.Equal((1, 100ul, 1, 2), (counts.LiveBlocks, counts.LiveBytes, counts.QuarantinedBlocks, counts.TotalAllocations));
        runtime.Heap.Free(kept);
        Assert.Empty(runtime.Heap.GetLeakReport()!.Sites);
    }

    [Fact]
    public void A_heap_that_is_not_checked_has_no_report()
    {
        using var heap = new NativeHeap();
        Assert.Null(heap.GetLeakReport());
        Assert.Null(heap.GetStatistics().Checked);
    }

    [Fact]
    public void Under_the_policy_throw_dispose_throws_after_everything_went_back()
    {
        var heap = new CheckedBlocks(_raw, new CheckedOptions { Leaks = LeakPolicy.Throw, LeakHandler = _ => { } });
        AllocSmall(heap);
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(heap.Dispose);
        Assert.Equal(MemoryFaultKind.Leak, fault.Kind);
        Assert.Equal(0, _raw.Outstanding);
        heap.Dispose();
    }

    [Fact]
    public void Without_leaks_or_under_the_policy_ignore_nobody_is_called()
    {
        using (var heap = new CheckedBlocks(_raw, new CheckedOptions { LeakHandler = _ => Assert.Fail("There is no leak.") }))
        {
            heap.Free(heap.Alloc(1, 16, zeroed: false));
        }

        using var careless = new CheckedBlocks(_raw, new CheckedOptions { Leaks = LeakPolicy.Ignore, LeakHandler = _ => Assert.Fail("Ignore.") });
        AllocSmall(careless);
    }

    [Fact]
    public void Damage_found_at_dispose_is_thrown_after_everything_went_back()
    {
        var heap = new CheckedBlocks(_raw, new CheckedOptions { Leaks = LeakPolicy.Ignore });
        byte* block = (byte*)heap.Alloc(10, 16, zeroed: false);
        block[10] = 0;
        Assert.Equal(MemoryFaultKind.Overrun, Assert.Throws<MemoryFaultException>(heap.Dispose).Kind);
        heap = new CheckedBlocks(_raw, new CheckedOptions());
        block = (byte*)heap.Alloc(10, 16, zeroed: false);
        heap.Free(block);
        block[3] = 0;
        Assert.Equal(MemoryFaultKind.UseAfterFree, Assert.Throws<MemoryFaultException>(heap.Dispose).Kind);
        Assert.Equal(0, _raw.Outstanding);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AllocSmall(CheckedBlocks heap) => _ = heap.Alloc(10, 16, zeroed: false) is null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AllocLarge(CheckedBlocks heap) => _ = heap.Alloc(1000, 16, zeroed: false) is null;
}
