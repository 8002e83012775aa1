using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
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
