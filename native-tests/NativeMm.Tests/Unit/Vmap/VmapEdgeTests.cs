using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>The edge cases of the kernel's vmalloc that concern one range.</summary>
public sealed unsafe class VmapEdgeTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxTheory]
    [InlineData(1UL)]
    [InlineData(8192UL)]
    [InlineData(1UL << 22)]
    [InlineData(ulong.MaxValue)]
    public void After_Dispose_no_address_is_read_however_low_it_is(ulong address)
    {
        VmapAllocator vmap = VmapAllocatorTests.Make();
        vmap.Free(vmap.Alloc(Page));
        vmap.Dispose();
        Assert.Throws<ObjectDisposedException>(() => vmap.Free((void*)address));
        Assert.Throws<ObjectDisposedException>(() => vmap.Unmap((void*)address));
        Assert.Throws<ObjectDisposedException>(() => vmap.UnmapRam((void*)address, 1));
        Assert.Throws<ObjectDisposedException>(() => vmap.Realloc((void*)address, Page));
        Assert.Throws<ObjectDisposedException>(() => vmap.FrameOf((void*)address));
        Assert.Throws<ObjectDisposedException>(() => vmap.AllocPerCore(0));
    }

    [Fact]
    public void An_area_for_each_core_that_nobody_made_says_so()
    {
        Assert.True(default(VmapPerCoreArea).Address == null);
        Assert.Throws<InvalidOperationException>(() => default(VmapPerCoreArea).AddressOf(default));
    }

    [LinuxFact]
    public void A_device_refuses_ranges_that_are_not_where_they_say()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        var device = new PunchHoleDevice(vmap.Zone);
        uint frames = vmap.Zone.FrameCount;
        nuint Address(uint frame) => vmap.Zone.BaseAddress + new Pfn(frame).Offset;
        Assert.Equal(FrameContent.Unknown, device.Report([new FrameRange(new Pfn(frames), Order.Zero, Address(frames))]));
        Assert.Equal(FrameContent.Unknown, device.Report([new FrameRange(Pfn.None, Order.Huge, Address(0))]));
        Assert.Equal(FrameContent.Unknown, device.Report([new FrameRange(new Pfn(frames - 1), Order.Huge, Address(frames - 1))]));
        Assert.Equal(FrameContent.Unknown, device.Report([default]));
        Assert.Equal(FrameContent.ReportedZero, device.Report([new FrameRange(new Pfn(512), Order.Huge, Address(512))]));
    }

    [LinuxFact]
    public void The_longest_unit_of_a_core_that_is_named_can_be_had()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 64 << 20, window: 64 << 20);
        nuint most = (nuint)(((64UL << 20) - Page) / (ulong)Environment.ProcessorCount) & ~(Page - 1);
        ArgumentOutOfRangeException problem = Assert.Throws<ArgumentOutOfRangeException>(() => vmap.AllocPerCore(most + 1));
        Assert.Contains($"1 to {most} bytes", problem.Message, StringComparison.Ordinal);
        vmap.Free(vmap.AllocPerCore(most).Address);
        vmap.Validate();
    }

    [LinuxFact]
    public void A_refused_range_is_tried_exactly_once_more_after_each_step()
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(), platform);
        int before = platform.Calls(PlatformCall.MapFile);
        platform.FailCall(1, ErrorNumber.Invalid, PlatformCall.MapFile, times: 1000);
        Assert.False(vmap.TryAlloc(Page, VmapFlags.None, 0, out _));

        // Once at first, once without what is lazy, once without the pools.
        Assert.Equal(3, platform.Calls(PlatformCall.MapFile) - before);

        // One refusal is made good by the second attempt.
        platform.FailCall(1, ErrorNumber.Invalid, PlatformCall.MapFile);
        vmap.Free(vmap.Alloc(Page));
        Assert.Equal(5, platform.Calls(PlatformCall.MapFile) - before);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void The_head_of_a_pool_is_left_there_when_its_alignment_is_wrong()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        PinnedThread.Run(PinnedThread.TwoCores().First, () =>
        {
            nuint first = (nuint)vmap.Alloc(Page, alignment: 8 * Page);
            nuint next = (nuint)vmap.Alloc(Page);
            Assert.Equal(first + Page, next);
            vmap.Free((void*)next);
            long hits = vmap.GetStatistics().PoolHits;
            nuint aligned = (nuint)vmap.Alloc(Page, alignment: 8 * Page);
            Assert.Equal(0, (int)(aligned % (8 * Page)));
            Assert.Equal((hits, 1), (vmap.GetStatistics().PoolHits, vmap.GetStatistics().PooledPages));

            // On top now is one that lies well, and it is the one that is taken.
            vmap.Free((void*)aligned);
            Assert.True(aligned == (nuint)vmap.Alloc(Page, alignment: 8 * Page));
            Assert.True(next == (nuint)vmap.Alloc(Page));
            Assert.Equal((hits + 2, 0), (vmap.GetStatistics().PoolHits, vmap.GetStatistics().PooledPages));
        });
        vmap.Validate();
    }

    [LinuxFact]
    public void The_largest_range_has_room_for_its_guard_and_no_byte_more()
    {
        const nuint Window = 4 << 20;
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 16 << 20, window: Window);
        byte* whole = (byte*)vmap.Alloc(Window - Page, VmapFlags.Guarded);
        whole[Window - Page - 1] = 1;
        Assert.Equal((0, 1023u, 1u), (vmap.GetStatistics().FreePages, vmap.FindArea(whole)!.Value.Pages, vmap.FindArea(whole)!.Value.GuardPages));
        vmap.Validate();
        vmap.Free(whole);
        Assert.Throws<ArgumentOutOfRangeException>(() => vmap.Alloc(Window - Page + 1, VmapFlags.Guarded));
        Pfn[] frames = new Pfn[1024];
        vmap.AllocateFrames(frames);
        byte* map = (byte*)vmap.Map(frames.AsSpan(1), VmapFlags.Guarded);
        map[Window - Page - 1] = 1;
        vmap.Unmap(map);
        Assert.Throws<ArgumentException>(() => vmap.Map(frames, VmapFlags.Guarded));
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Frames_beyond_the_zone_and_free_frames_are_not_mapped()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[2];
        vmap.AllocateFrames(frames);
        Pfn[] gone = new Pfn[1];
        vmap.AllocateFrames(gone);
        vmap.FreeFrames(gone);
        foreach (Pfn bad in (Pfn[])[new Pfn((uint)vmap.Zone.FrameCount), new Pfn((uint)vmap.Zone.FrameCount + 1), new Pfn(uint.MaxValue - 1), gone[0]])
        {
            ArgumentException problem = Assert.Throws<ArgumentException>(() => vmap.Map([frames[0], bad]));
            Assert.Contains($"Frame {bad} ", problem.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => vmap.MapRam([bad, frames[1]]));
        }

        Assert.Equal(((0u, true), (0u, true)), (vmap.References(frames[0]), vmap.References(frames[1])));
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxTheory]
    [InlineData(PurgeExecutor.Caller)]
    [InlineData(PurgeExecutor.Worker)]
    public void Dispose_takes_everything_along_whatever_state_it_is_in(PurgeExecutor executor)
    {
        var platform = new FaultyPlatform();
        using (var vmap = new VmapAllocator(Options() with { Purge = new LazyPurgePolicy { Executor = executor } }, platform))
        {
            Pfn[] frames = new Pfn[70];
            vmap.AllocateFrames(frames);
            *(byte*)vmap.Alloc(3 * Page, VmapFlags.Guarded) = 1;
            *(byte*)vmap.Map(frames) = 1;
            *(byte*)vmap.MapRam(frames.AsSpan(0, 5)) = 1;
            vmap.Free(vmap.Alloc(Page));
            vmap.Unmap(vmap.Map(frames));
            Assert.Equal(5, vmap.GetAreas().Select(area => area.State).Append(VmapAreaState.None).Distinct().Count());
        }

        platform.AssertNothingLeaked();
    }

    [LinuxFact]
    public void Buffers_that_outlive_their_runtime_are_harmless_disposed_or_forgotten()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        (WeakReference<MappedBuffer> forgotten, MappedBuffer kept) = MakeBuffers(runtime);
        runtime.Dispose();
        kept.Dispose();
        for (int attempt = 0; attempt < 10 && IsThere(forgotten); attempt++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        // A finalizer that throws would have ended the process.
        Assert.False(IsThere(forgotten));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsThere(WeakReference<MappedBuffer> buffer) => buffer.TryGetTarget(out _);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference<MappedBuffer> Forgotten, MappedBuffer Kept) MakeBuffers(MemoryRuntime runtime)
    {
        var part = new MappedBuffer(8192, runtime: runtime);
        var view = MappedBuffer.Concat(part, part);
        view.Span[8192] = 1;
        return (new WeakReference<MappedBuffer>(part), view);
    }

    private static VmapOptions Options() => new()
    {
        CapacityBytes = 16 << 20,
        WindowBytes = 64 << 20,
        Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
    };
}
