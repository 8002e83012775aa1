using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>How much of a heap's limit blocks of one size, or of two, can use.</summary>
public sealed unsafe class HeapCapacityTests
{
    private const ulong Limit = 64 << 20;

    public static TheoryData<FrameAllocatorKind, int> KindsAndSizes
    {
        get
        {
            TheoryData<FrameAllocatorKind, int> data = [];
            foreach (FrameAllocatorKind kind in Enum.GetValues<FrameAllocatorKind>())
            {
                foreach (int size in new[] { 72 << 10, 100_000, 260_000, 600_000, 1_100_000, 1_400_000, 2 << 20 })
                {
                    data.Add(kind, size);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(KindsAndSizes))]
    public void Nine_tenths_of_the_limit_are_usable_at_any_size(FrameAllocatorKind kind, int size)
    {
        using MemoryRuntime runtime = Make(kind);
        List<nint> blocks = Fill(runtime.Heap, size);
        ulong used = (ulong)blocks.Count * (ulong)size;
        Assert.True(used >= Limit * 9 / 10, $"{used >> 10} KiB of {Limit >> 10} KiB were usable.");
        Assert.True(used <= Limit, $"{used >> 10} KiB are more than the limit of {Limit >> 10} KiB.");
        runtime.Validate();
        FreeAll(runtime.Heap, blocks);
        runtime.Trim();
        FrameStatistics zone = runtime.GetStatistics().Zone;
        Assert.Equal(zone.ManagedFrames, zone.FreeFrames + zone.PerCoreFrames);
    }

    [Fact]
    public void What_a_run_leaves_of_its_power_of_two_serves_smaller_blocks()
    {
        using MemoryRuntime runtime = Make(FrameAllocatorKind.LockFree);
        List<nint> large = [];
        for (int i = 0; i < 32; i++)
        {
            large.Add((nint)runtime.Heap.Alloc(1_100_000));
        }

        // All of the zone's blocks of 2 MiB have a run. What is behind these is room for slabs, without any mapping.
        List<nint> small = [];
        for (int i = 0; i < 32 * 12 * 8; i++)
        {
            Assert.True(runtime.Heap.TryAlloc(8 << 10, out void* block));
            small.Add((nint)block);
        }

        Assert.Equal(0u, runtime.GetStatistics().Heaps[0].LargeBytes);
        FreeAll(runtime.Heap, large);
        runtime.Validate();
        FreeAll(runtime.Heap, small);
        runtime.Validate();
    }

    [Fact]
    public void A_block_with_a_mapping_of_its_own_has_the_alignment_of_its_class_and_is_as_zero_as_others()
    {
        using MemoryRuntime runtime = Make(FrameAllocatorKind.LockFree);
        List<nint> blocks = Fill(runtime.Heap, 100_000);
        nint last = blocks[^1];
        Assert.False(runtime.Frames.Zone.Contains((void*)last));
        Assert.Equal(0, last & 8191);
        new Span<byte>((void*)last, 100_000).Fill(0xAB);
        runtime.Heap.Free((void*)last);
        blocks[^1] = (nint)runtime.Heap.AllocZeroed(100_000);
        Assert.False(runtime.Frames.Zone.Contains((void*)blocks[^1]));
        Assert.False(new Span<byte>((void*)blocks[^1], 100_000).ContainsAnyExcept((byte)0));
        blocks[^1] = (nint)runtime.Heap.Realloc((void*)blocks[^1], 60_000);
        FreeAll(runtime.Heap, blocks);
        runtime.Validate();
    }

    private static MemoryRuntime Make(FrameAllocatorKind kind) =>
        new(new MemoryRuntimeOptions { CapacityBytes = Limit, FrameAllocator = kind, BackgroundTrim = false });

    private static List<nint> Fill(NativeHeap heap, int size)
    {
        List<nint> blocks = [];
        while (heap.TryAlloc((nuint)size, out void* block))
        {
            blocks.Add((nint)block);
        }

        return blocks;
    }

    private static void FreeAll(NativeHeap heap, List<nint> blocks)
    {
        foreach (nint block in blocks)
        {
            heap.Free((void*)block);
        }
    }
}
