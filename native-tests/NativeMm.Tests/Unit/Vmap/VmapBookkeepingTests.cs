using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Child;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>Records, tables and trees beside a window: as much of them can be written as there are ranges.</summary>
public sealed unsafe class VmapBookkeepingTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxFact]
    public void What_can_be_written_does_not_grow_with_the_window()
    {
        // The first allocator of a process tries its reserve of mappings several times.
        OpenBytes(64 << 20);
        (ulong unused, ulong used) = OpenBytes(64 << 20);
        (ulong unusedLarge, ulong usedLarge) = OpenBytes(256UL << 30);
        Assert.Equal(unused, unusedLarge);
        Assert.Equal(used, usedLarge);
        Assert.True(used > unused, "The first range opens the first steps.");
    }

    [LinuxFact]
    public void What_can_be_written_grows_with_the_ranges()
    {
        const uint Steps = 4;
        var platform = new CountingPlatform();
        using VmapAllocator vmap = Make(platform, 1UL << 30);
        Pfn[] frame = new Pfn[1];
        vmap.AllocateFrames(frame);
        vmap.Map(frame);
        ulong before = platform.OpenBytes;
        for (uint i = 0; i < Steps * VmapAreas.RecordStep; i++)
        {
            vmap.Map(frame);
        }

        // A record, four nodes, a place in the scratch, in whole pages. One step of the entries has room for all of them.
        ulong each = (ulong)(sizeof(VmapArea) + (4 * sizeof(RangeNode)) + sizeof(PageRange));
        Assert.InRange(platform.OpenBytes - before, Steps * VmapAreas.RecordStep * each, Steps * ((VmapAreas.RecordStep * each) + (6 * Page)));
        vmap.Validate();
    }

    [LinuxFact]
    public void Any_address_of_a_window_can_be_asked_about()
    {
        const ulong Window = 64UL << 30;
        using VmapAllocator vmap = Make(SystemPlatform.Current, Window);
        byte* first = (byte*)vmap.Alloc(Page);
        Span<byte> bytes = stackalloc byte[16];
        for (ulong offset = Page; offset < Window; offset += (Window / 64) + Page)
        {
            byte* at = first + offset;
            Assert.Null(vmap.FindArea(at));
            Assert.Equal((nuint)0, vmap.Read(at, bytes));
            Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.Free(at)).Kind);
            Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.Unmap(at)).Kind);
            Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.Realloc(at, 1)).Kind);
            Assert.Throws<ArgumentException>(() => vmap.FrameOf(at));
        }
    }

    [LinuxFact]
    public void A_range_far_behind_all_others_has_its_entries()
    {
        using VmapAllocator vmap = Make(SystemPlatform.Current, 64UL << 30);
        vmap.Alloc(Page);
        byte* far = (byte*)vmap.Alloc(3 * Page, alignment: (nuint)8 << 30);
        far[(3 * Page) - 1] = 1;
        Assert.Equal(3u, vmap.FindArea(far)!.Value.Pages);
        vmap.Validate();
        vmap.Free(far);
        vmap.Purge(pools: true);
        vmap.Validate();
    }

    [LinuxFact]
    public void Refused_bookkeeping_is_told_and_what_there_is_goes_on()
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(1UL << 30), platform);
        var ranges = new List<nint>();
        for (int i = 0; i < 100; i++)
        {
            ranges.Add((nint)vmap.Alloc(Page));
        }

        platform.FailCall(1, ErrorNumber.OutOfMemory, PlatformCall.Open, int.MaxValue);
        OutOfMemoryException refused = Assert.Throws<OutOfMemoryException>(() =>
        {
            for (int i = 0; i < 10 * VmapAreas.RecordStep; i++)
            {
                ranges.Add((nint)vmap.Alloc(Page));
            }
        });
        Assert.Contains("bookkeeping", refused.Message, StringComparison.Ordinal);
        Assert.Equal((int)VmapAreas.RecordStep, ranges.Count);
        vmap.Validate();

        // The same record serves the next.
        vmap.Free((void*)ranges[^1]);
        ranges[^1] = (nint)vmap.Alloc(2 * Page);
        platform.FailNothing();
        ranges.Add((nint)vmap.Alloc(Page));
        vmap.Validate();
    }

    [LinuxFact]
    public void Giving_back_needs_no_further_bookkeeping()
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(1UL << 30), platform);
        nint[] ranges = new nint[3 * VmapAreas.RecordStep];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = (nint)vmap.Alloc(Page);
        }

        // No two that are freed touch, so that each is a piece of the lazy set and then of the free space.
        platform.FailCall(1, ErrorNumber.OutOfMemory, PlatformCall.Open, int.MaxValue);
        for (int i = 0; i < ranges.Length; i += 2)
        {
            vmap.Free((void*)ranges[i]);
        }

        vmap.Purge(pools: true);
        vmap.Validate();
        Assert.Equal((ranges.Length / 2) + 1, vmap.GetStatistics().FreeRanges);
        for (int i = 1; i < ranges.Length; i += 2)
        {
            vmap.Free((void*)ranges[i]);
        }

        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    private static (ulong Unused, ulong Used) OpenBytes(ulong window)
    {
        var platform = new CountingPlatform();
        using VmapAllocator vmap = Make(platform, window);
        ulong unused = platform.OpenBytes;
        vmap.Alloc(Page);
        return (unused, platform.OpenBytes);
    }

    private static VmapAllocator Make(IMemoryPlatform platform, ulong window) => new(Options(window), platform);

    private static VmapOptions Options(ulong window) => new()
    {
        CapacityBytes = 64 << 20,
        WindowBytes = window,
        PooledBytesMaxPerCore = 0,
        Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
    };

    /// <summary>Adds up what can be written.</summary>
    private sealed class CountingPlatform() : ForwardingPlatform(SystemPlatform.Current)
    {
        public ulong OpenBytes { get; private set; }

        public override PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
        {
            OpenBytes += bytes;
            return base.Reserve(bytes, alignment, out address);
        }

        public override PlatformResult Open(nuint address, nuint bytes)
        {
            OpenBytes += bytes;
            return base.Open(address, bytes);
        }
    }
}
