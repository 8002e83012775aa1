using NativeMm.Heap;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed unsafe class HeapLockCountTests
{
    /// <summary>A count that falls is no count: whoever watches it would take the waits of a class that rests for waits that never were.</summary>
    [Fact]
    public void Locks_of_a_class_are_counted_after_its_last_slab_is_gone()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        var blocks = new nint[5000];
        foreach (ref nint block in blocks.AsSpan())
        {
            block = (nint)runtime.Heap.Alloc(700);
        }

        HeapStatistics full = runtime.Heap.GetStatistics();
        HeapClassStatistics row = Assert.Single(full.Classes, static row => row.LiveBlocks == 5000);
        Assert.InRange(row.LockAcquisitions, 5000 / 64, full.LockAcquisitions);
        foreach (nint block in blocks)
        {
            runtime.Heap.Free((void*)block);
        }

        runtime.Trim();
        HeapStatistics empty = runtime.Heap.GetStatistics();
        Assert.DoesNotContain(empty.Classes, other => other.BlockBytes == row.BlockBytes);
        Assert.InRange(empty.LockAcquisitions, full.LockAcquisitions + 1, long.MaxValue);
        Assert.InRange(empty.LockContentions, full.LockContentions, long.MaxValue);
        Assert.Contains($"{empty.LockAcquisitions:N0} locks, {empty.LockContentions:N0} waits", empty.ToString(), StringComparison.Ordinal);
    }
}
