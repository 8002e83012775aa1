using NativeMm.Buffers;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Buffers;

/// <summary>Several threads dispose one buffer.</summary>
public sealed class NativeBufferThreadsTests
{
    [Fact]
    public void Racing_disposals_return_the_memory_once()
    {
        using var heap = new NativeHeap();
        NativeBuffer<int>[] buffers = [.. Enumerable.Range(0, 2_000).Select(_ => new NativeBuffer<int>(8, heap: heap))];
        GatedThreads.Run(3, _ =>
        {
            foreach (NativeBuffer<int> buffer in buffers)
            {
                // A second free of one block would throw out of the heap.
                buffer.Dispose();
            }
        });
        Assert.All(buffers, buffer => Assert.True(buffer.IsDisposed));
    }
}
