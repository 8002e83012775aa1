using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>Figures of the statistics that nothing else looks at, each against what was done.</summary>
public sealed unsafe class StatisticsFigureTests
{
    private const int MiB = 1 << 20;

    private static readonly MemoryRuntimeOptions s_small = new() { CapacityBytes = 64 * MiB, BackgroundTrim = false };

    [LinuxFact]
    public void Space_counts_changes_and_tables()
    {
        using var runtime = new MemoryRuntime(s_small);
        using AddressSpace space = runtime.CreateAddressSpace();
        AddressSpaceStatistics empty = space.GetStatistics();
        Assert.Equal((0, 0), (empty.Areas, empty.LayoutChanges));
        long address = space.Map(4 * MiB, Protection.ReadWrite);
        space.Protect(address, MiB, Protection.Read);
        space.Write(address + (3 * MiB), 7);
        AddressSpaceStatistics mapped = space.GetStatistics();
        Assert.Equal((2, 2, 1, 0), (mapped.Areas, mapped.LayoutChanges, mapped.ResidentPages, mapped.SwappedPages));

        // A root, and one table of each further level.
        Assert.Equal(4, mapped.TablePages);
        Assert.Equal((mapped.TablePages + 1 + mapped.KeptFrames) * 4096, mapped.FrameBytes);
        space.Unmap(address, 4 * MiB);
        AddressSpaceStatistics gone = space.GetStatistics();
        Assert.Equal((0, 3, 0), (gone.Areas, gone.LayoutChanges, gone.ResidentPages));
        Assert.InRange(gone.TablePages, empty.TablePages, 3);
    }

    [LinuxFact]
    public void Pages_that_left_are_swapped_pages_of_the_space()
    {
        using var runtime = new MemoryRuntime(s_small);
        using var memory = new PagedMemory(4 * MiB, new PagedMemoryOptions { ResidentBytes = MiB, StridePrefetch = false }, runtime);
        for (long page = 0; page < 1024; page++)
        {
            memory.Write(page * 4096, page + 1);
        }

        // Pages go on leaving in the background for a moment: only both figures of a moment of rest belong together.
        AddressSpaceStatistics space;
        long compressed;
        do
        {
            compressed = memory.GetStatistics().CompressedPageBytes;
            space = Assert.Single(runtime.GetStatistics().Spaces);
        }
        while (memory.GetStatistics().CompressedPageBytes != compressed);

        Assert.InRange(space.ResidentPages, 1, 256);
        Assert.Equal(1024, space.ResidentPages + space.SwappedPages + space.SameFilledPages);
        Assert.Equal(compressed, space.SwappedPages * 4096);
    }

    [LinuxFact]
    public void Stacks_are_counted_as_they_are_sampled()
    {
        using var runtime = new MemoryRuntime(s_small with { Checked = new CheckedOptions { Enabled = true, StackSampleInterval = 3, Leaks = LeakPolicy.Ignore } });
        for (int i = 0; i < 7; i++)
        {
            runtime.Heap.Free(runtime.Heap.Alloc(100));
        }

        CheckedStatistics found = runtime.Heap.GetStatistics().Checked!.Value;
        Assert.Equal((7, 3), (found.TotalAllocations, found.SampledStacks));
    }

    [LinuxFact]
    public void Blocks_of_a_slab_are_live_cached_or_free()
    {
        using var runtime = new MemoryRuntime(s_small);
        void* block = runtime.Heap.Alloc(1000);
        HeapStatistics found = runtime.Heap.GetStatistics();
        HeapClassStatistics row = Assert.Single(found.Classes, one => one.Slabs != 0);
        Assert.Equal(1, row.LiveBlocks);
        Assert.Equal((ulong)row.FreeBlocks * row.BlockBytes, found.FreeBytes);
        ulong used = found.LiveBytes + found.CachedBytes + found.FreeBytes;
        Assert.InRange(used, found.SlabBytes - (row.BlockBytes * (ulong)row.Slabs), found.SlabBytes);
        runtime.Heap.Free(block);
    }

    [LinuxFact]
    public void Ranges_are_counted_as_long_as_they_are_there()
    {
        using var runtime = new MemoryRuntime(s_small);
        Assert.Equal(0ul, runtime.GetStatistics().VmapBytes);
        using (var buffer = new MappedBuffer(3 * MiB, runtime: runtime))
        {
            Assert.Equal(3ul * MiB, runtime.GetStatistics().VmapBytes);
        }

        runtime.Trim();
        Assert.Equal(0ul, runtime.GetStatistics().VmapBytes);
    }

    [LinuxFact]
    public void Zspages_have_as_many_frames_as_their_objects_need()
    {
        using var runtime = new MemoryRuntime(s_small);
        using ZsPool pool = runtime.CreateZsPool();
        ZsHandle handle = pool.Alloc(700);
        ZsClassStatistics row = Assert.Single(pool.GetClassStatistics(), one => one.Zspages != 0);
        Assert.InRange(row.FramesPerZspage, 1, 8);
        Assert.InRange(row.ObjectsPerZspage * row.SizeBytes, (row.FramesPerZspage * 4096) - row.SizeBytes + 1, row.FramesPerZspage * 4096);
        Assert.Equal(row.FramesPerZspage, pool.GetTotalFrames());
        pool.Free(handle);
    }

    [LinuxFact]
    public void Why_a_page_could_not_be_written_to_the_file_is_told()
    {
        using var runtime = new MemoryRuntime(s_small);
        var options = new PagedMemoryOptions { ResidentBytes = MiB, FilePath = Path.Combine(Path.GetTempPath(), $"nativemm-{Guid.NewGuid():N}"), FileBytes = MiB, StridePrefetch = false };
        using var memory = new PagedMemory(8 * MiB, options, runtime);
        byte[] noise = new byte[4096];
        var random = new Random(1);
        Assert.Throws<OutOfMemoryException>(() =>
        {
            for (long page = 0; page < 2048; page++)
            {
                random.NextBytes(noise);
                memory.Write(page * 4096, noise);
                Assert.True(page < 600, "Pages that compress to nothing have more room than there is.");
            }
        });
        Assert.Equal(ErrorNumber.FileTooLarge, memory.GetStatistics().LastWriteErrno);
    }
}
