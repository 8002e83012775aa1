using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>What a runtime shows of itself can be disposed by type, but ends with the runtime: a container of services disposes whatever it is given.</summary>
public sealed unsafe class RuntimePartsTests
{
    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Parts_of_a_runtime_go_on_when_somebody_disposes_them(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        byte* block = (byte*)fixture.Heap.Alloc(5000);
        block[4999] = 7;
        DisposeParts(fixture.Runtime);
        Assert.Equal(7, block[4999]);
        fixture.Heap.Free(block);
        byte* run = (byte*)fixture.Heap.Alloc(1 << 20);
        run[0] = 1;
        fixture.Heap.Free(run);
        fixture.Runtime.Trim();

        // And everything is given back at the end: the fixture asserts it.
    }

    [LinuxFact]
    public void So_do_those_of_the_shared_runtime()
    {
        byte* range = (byte*)MemoryRuntime.Shared.Vmap.Alloc(3 * Pfn.FrameBytes);
        range[0] = 9;
        DisposeParts(MemoryRuntime.Shared);
        Assert.Equal(9, range[0]);
        MemoryRuntime.Shared.Vmap.Free(range);
        Assert.True(MemoryRuntime.Shared.Frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        MemoryRuntime.Shared.Frames.Free(frame, Order.Zero);
    }

    [Fact]
    public void They_end_with_the_runtime()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        IFrameAllocator frames = runtime.Frames;
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => frames.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));
        Assert.False(frames.Zone.Contains(null) || frames.Zone.Contains((void*)Pfn.FrameBytes));
    }

    [LinuxFact]
    public void The_zone_of_an_allocator_of_ranges_goes_with_that()
    {
        VmapAllocator vmap = VmapAllocatorTests.Make();
        byte* range = (byte*)vmap.Alloc(3 * Pfn.FrameBytes);
        vmap.Zone.Dispose();
        range[0] = 9;
        vmap.Free(range);
        vmap.Free(vmap.Alloc(1 << 20));
        vmap.Validate();
        vmap.Dispose();
        Assert.Equal(0u, vmap.Zone.BaseAddress);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_zone_that_has_an_owner_takes_no_second_allocator(FrameAllocatorKind kind)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, FrameAllocator = kind });
        FrameZone zone = runtime.Frames.Zone;
        InvalidOperationException problem = Assert.Throws<InvalidOperationException>(() => new LockFreeFrameAllocator(zone));
        Assert.Contains(nameof(MemoryRuntime), problem.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new BuddyFrameAllocator(zone));
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new LockFreeFrameAllocator(zone));
        Assert.Throws<ObjectDisposedException>(() => new BuddyFrameAllocator(zone));
    }

    [LinuxFact]
    public void Nor_does_the_zone_of_an_allocator_of_ranges()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Assert.Throws<InvalidOperationException>(() => new LockFreeFrameAllocator(vmap.Zone));
        Assert.Throws<InvalidOperationException>(() => new BuddyFrameAllocator(vmap.Zone));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_cache_in_front_of_the_frames_of_a_runtime_gives_them_back(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        IFrameAllocator frames = fixture.Runtime.Frames;
        ulong before = frames.GetStatistics().AllocatedFrames;
        var cache = new CachedFrameAllocator(frames);
        Assert.True(cache.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        cache.Free(frame, Order.Zero);
        cache.Dispose();
        cache.Dispose();
        Assert.Equal(before, frames.GetStatistics().AllocatedFrames);
        Assert.Throws<ObjectDisposedException>(() => cache.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_cache_may_end_after_the_runtime(FrameAllocatorKind kind)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, FrameAllocator = kind });
        var cache = new CachedFrameAllocator(runtime.Frames);
        Assert.True(cache.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        cache.Free(frame, Order.Zero);
        runtime.Dispose();
        cache.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cache.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_pool_over_the_frames_of_a_runtime_may_end_after_it(FrameAllocatorKind kind)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, FrameAllocator = kind });
        var pool = new ZsPool(runtime.Frames);
        _ = pool.Alloc(100);
        runtime.Dispose();
        pool.Dispose();
        pool.Dispose();
        Assert.True(pool.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => pool.Alloc(100));
        Assert.Throws<ObjectDisposedException>(pool.GetStatistics);
    }

    private static void DisposeParts(MemoryRuntime runtime)
    {
        runtime.Frames.Dispose();
        runtime.Frames.Zone.Dispose();
        if (OperatingSystem.IsLinux())
        {
            runtime.Vmap.Dispose();
            runtime.Vmap.Zone.Dispose();
        }
    }
}
