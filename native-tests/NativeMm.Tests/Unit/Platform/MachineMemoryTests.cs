using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Buffers;
using Xunit;

namespace NativeMm.Tests.Unit.Platform;

public sealed unsafe class MachineMemoryTests
{
    private const string Memory = "MemTotal:        1000 kB\nMemFree:          10 kB\nSwapTotal:         24 kB\n";

    [Theory]
    [InlineData(Memory, "0", 1024 * 1024)]
    [InlineData(Memory, "2", 1024 * 1024)]
    [InlineData("MemTotal:        1000 kB\n", null, 1000 * 1024)]
    [InlineData(Memory, "1", ulong.MaxValue)]
    [InlineData("", "0", ulong.MaxValue)]
    public void A_block_is_at_most_the_memory_and_the_swap_space(string memory, string? overcommit, ulong expected)
    {
        using var files = new CapturedFiles();
        files.With("/proc/meminfo", memory);
        if (overcommit is not null)
        {
            files.With("/proc/sys/vm/overcommit_memory", overcommit + "\n");
        }

        Assert.Equal(expected, MachineMemory.ReadBlockBytesMax(files.Files));
    }

    [LinuxFact]
    public void A_block_above_all_memory_is_refused_in_words_that_fit()
    {
        if (MachineMemory.BlockBytesMax == ulong.MaxValue)
        {
            return;
        }

        nuint bytes = unchecked((nuint)(32UL << 40));
        using NativeHeap heap = NativeBufferTests.NewHeap();
        Assert.False(heap.TryAlloc(bytes, out _));
        string message = Assert.Throws<OutOfMemoryException>(() => { heap.Alloc(bytes); }).Message;
        Assert.Contains($"the machine has {MachineMemory.BlockBytesMax} bytes of memory and swap space", message, StringComparison.Ordinal);
        Assert.DoesNotContain("CapacityBytes", message, StringComparison.Ordinal);
        void* block = heap.Alloc(8 << 20);
        Assert.Throws<OutOfMemoryException>(() => { heap.Realloc(block, bytes); });
        Assert.Equal(0u, heap.GetStatistics().LargeRetainedBytes);
        heap.Free(block);
    }
}
