using System.Globalization;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed unsafe class VmapAllocatorTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxFact]
    public void A_range_is_writable_from_end_to_end_and_can_be_freed()
    {
        using VmapAllocator vmap = Make();
        foreach (nuint bytes in (nuint[])[1, Page, Page + 1, 300 * Page, 3 << 20])
        {
            byte* range = (byte*)vmap.Alloc(bytes);
            new Span<byte>(range, (int)bytes).Fill(0x5A);
            Assert.Equal(0, (int)((nuint)range % Page));
            Assert.Equal(bytes, vmap.FindArea(range + bytes - 1)!.Value.Bytes);
            vmap.Free(range);
        }

        vmap.Validate();
        vmap.Purge(pools: true);
        vmap.Validate();
        AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_freed_range_comes_back_from_the_pool_without_a_system_call()
    {
        using VmapAllocator vmap = Make();
        vmap.Free(vmap.Alloc(3 * Page));
        VmapStatistics before = vmap.GetStatistics();
        for (int i = 0; i < 1000; i++)
        {
            vmap.Free(vmap.Alloc(3 * Page));
        }

        VmapStatistics after = vmap.GetStatistics();
        Assert.Equal(before.MapCalls, after.MapCalls);
        Assert.Equal(before.UnmapCalls, after.UnmapCalls);
        Assert.Equal(before.PoolHits + 1000, after.PoolHits);
        Assert.Equal(before.Frees + 1000, after.Frees);
    }

    [LinuxFact]
    public void Zeroed_ranges_read_as_zero_also_out_of_the_pool()
    {
        using VmapAllocator vmap = Make();
        for (int i = 0; i < 3; i++)
        {
            var range = new Span<byte>(vmap.Alloc(5 * Page, VmapFlags.Zeroed), (int)(5 * Page));
            Assert.Equal(-1, range.IndexOfAnyExcept((byte)0));
            range.Fill(7);
            vmap.Free(Unsafe(range));
        }
    }

    [LinuxFact]
    public void Aligned_ranges_are_aligned()
    {
        using VmapAllocator vmap = Make();
        for (int shift = 0; shift <= 22; shift++)
        {
            nuint alignment = (nuint)1 << shift;
            void* first = vmap.Alloc(Page, alignment: alignment);
            void* second = vmap.Alloc(2 * Page, alignment: alignment);
            Assert.Equal(0, (int)((nuint)first % alignment));
            Assert.Equal(0, (int)((nuint)second % alignment));
            vmap.Free(first);
            vmap.Free(second);
        }

        Assert.False(vmap.TryAlloc(Page, VmapFlags.None, (nuint)1 << 62, out _));
        vmap.Validate();
    }

    [LinuxFact]
    public void Huge_ranges_begin_at_multiples_of_two_mebibytes_and_are_few_mappings()
    {
        using VmapAllocator vmap = Make();
        void* range = vmap.Alloc(4 << 20, VmapFlags.Huge);
        Assert.Equal(0, (int)((nuint)range % (2 << 20)));
        Assert.True(vmap.FindArea(range)!.Value.Mappings <= 2);
        vmap.Free(range);
        vmap.Purge(pools: true);
        vmap.Validate();
        AssertEmpty(vmap);
    }

    [LinuxFact]
    public void The_same_frame_twice_shows_the_same_bytes()
    {
        using VmapAllocator vmap = Make();
        Pfn[] frames = new Pfn[2];
        vmap.AllocateFrames(frames, FrameFlags.Zeroed);
        byte* range = (byte*)vmap.Map([frames[1], frames[0], frames[1]]);
        byte* other = (byte*)vmap.Map([frames[0]]);
        range[5] = 11;
        range[Page + 6] = 22;
        Assert.Equal(11, range[(2 * Page) + 5]);
        Assert.Equal(22, other[6]);
        other[7] = 33;
        Assert.Equal(33, range[Page + 7]);
        Assert.Equal((2u, true), vmap.References(frames[0]));
        vmap.FreeFrames(frames);
        vmap.Unmap(range);
        Assert.Equal(22, other[6]);
        vmap.Unmap(other);
        vmap.Purge(pools: true);
        vmap.Validate();
        AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_frame_is_nobody_elses_while_a_stale_mapping_of_it_exists()
    {
        using VmapAllocator vmap = Make();
        Pfn[] frame = new Pfn[1];
        vmap.AllocateFrames(frame);
        byte* range = (byte*)vmap.Map(frame);
        *range = 77;
        vmap.Unmap(range);
        vmap.FreeFrames(frame);
        Assert.Equal((1u, false), vmap.References(frame[0]));
        ulong allocated = vmap.GetStatistics().Frames.AllocatedFrames;
        vmap.Purge();
        Assert.Equal((0u, false), vmap.References(frame[0]));
        Assert.Equal(allocated - 1, vmap.GetStatistics().Frames.AllocatedFrames);
        vmap.Validate();
    }

    [LinuxFact]
    public void A_range_whose_frames_somebody_asked_for_is_not_reused_with_them()
    {
        using VmapAllocator vmap = Make();
        byte* range = (byte*)vmap.Alloc(Page);
        *range = 1;
        byte* alias = (byte*)vmap.Map([vmap.FrameOf(range)]);
        vmap.Free(range);
        byte* next = (byte*)vmap.Alloc(Page);
        *next = 2;
        Assert.Equal(1, *alias);
        vmap.Unmap(alias);
        vmap.Free(next);
        vmap.Validate();
    }

    [LinuxFact]
    public void Mistakes_are_named()
    {
        using VmapAllocator vmap = Make();
        byte* range = (byte*)vmap.Alloc(3 * Page);
        Pfn[] frames = new Pfn[1];
        vmap.AllocateFrames(frames);
        byte* map = (byte*)vmap.Map(frames);
        Assert.Equal(MemoryFaultKind.NotBlockStart, Fault(() => vmap.Free(range + Page)));
        Assert.Equal(MemoryFaultKind.NotBlockStart, Fault(() => vmap.Free(range + 1)));
        Assert.Equal(MemoryFaultKind.WrongHeap, Fault(() => vmap.Free(map)));
        Assert.Equal(MemoryFaultKind.WrongHeap, Fault(() => vmap.Unmap(range)));
        Assert.Equal(MemoryFaultKind.ForeignPointer, Fault(() => vmap.Free((void*)(nuint)0x1000)));
        vmap.Free(range);
        Assert.Equal(MemoryFaultKind.DoubleFree, Fault(() => vmap.Free(range)));
        vmap.Unmap(map);
        Assert.Equal(MemoryFaultKind.DoubleFree, Fault(() => vmap.Unmap(map)));
        vmap.Purge(pools: true);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Fault(() => vmap.Free(range)));
        byte* ram = (byte*)vmap.MapRam(frames);
        Assert.Contains("UnmapRam takes it back", Message(() => vmap.Unmap(ram)), StringComparison.Ordinal);
        vmap.UnmapRam(ram, 1);
        vmap.Free(vmap.Alloc((nuint)(VmapBlock.Pages + 1) * Page));
        vmap.Purge(pools: true);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Fault(() => vmap.Unmap(ram)));
        vmap.FreeFrames(frames);
        Assert.Equal(MemoryFaultKind.DoubleFree, Fault(() => vmap.FreeFrames(frames)));
        vmap.Free(null);
        Assert.Throws<ArgumentOutOfRangeException>(() => vmap.Alloc(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => vmap.Alloc(nuint.MaxValue));
        Assert.Throws<ArgumentException>(() => vmap.Alloc(1, alignment: 3));
        Assert.Throws<ArgumentException>(() => vmap.Alloc(1, (VmapFlags)64));
        Assert.Throws<ArgumentException>(() => vmap.Map([]));
        Assert.Throws<ArgumentException>(() => vmap.Map([Pfn.None]));
        vmap.Validate();
    }

    [LinuxFact]
    public void Read_sees_holes_guards_and_freed_ranges_as_zero()
    {
        using VmapAllocator vmap = Make(pooled: 0);
        byte* first = (byte*)vmap.Alloc(Page, VmapFlags.Guarded);
        byte* second = (byte*)vmap.Alloc(Page);
        byte* third = (byte*)vmap.Alloc(Page);
        Assert.Equal((nuint)first + (2 * Page), (nuint)second);
        foreach (nuint range in (nuint[])[(nuint)first, (nuint)second, (nuint)third])
        {
            new Span<byte>((void*)range, (int)Page).Fill(9);
        }

        vmap.Free(second);
        byte[] copy = new byte[(int)(6 * Page)];
        copy.AsSpan().Fill(1);
        Assert.Equal(Page - 10 + Page, vmap.Read(first + 10, copy));
        Assert.Equal(9, copy[0]);
        Assert.Equal(0, copy[(int)Page]);
        Assert.Equal(0, copy[(int)(2 * Page)]);
        Assert.Equal(9, copy[(int)(3 * Page)]);
        Assert.Equal(0, copy[^1]);
        Assert.Equal((nuint)0, vmap.Read((void*)0, copy.AsSpan(0, 100)));
        Assert.NotNull(vmap.FindArea(first + Page));
        Assert.Equal(1u, vmap.FindArea(first + Page)!.Value.GuardPages);
    }

    [LinuxFact]
    public void Listing_is_in_order_and_in_the_shape_of_vmallocinfo()
    {
        using VmapAllocator vmap = Make();
        byte* first = (byte*)vmap.Alloc(2 * Page, VmapFlags.Guarded);
        byte* second = (byte*)vmap.Alloc(300 * Page);
        vmap.Free(second);
        vmap.Free(vmap.Alloc(Page));
        IReadOnlyList<VmapAreaInfo> areas = vmap.GetAreas();
        Assert.Equal([VmapAreaState.Busy, VmapAreaState.Lazy, VmapAreaState.Pooled], areas.Select(area => area.State));
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        vmap.WriteAreas(text);
        string[] lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.Matches($"^0x{(nuint)first:x16}-0x{(nuint)first + (3 * Page):x16} +12288 vmalloc pages=2 mappings=1 flags=Guarded", lines[0]);
        Assert.Contains("unpurged vm_area pages=300", lines[1], StringComparison.Ordinal);
        Assert.Contains("pooled vm_area pages=1", lines[2], StringComparison.Ordinal);
    }

    [LinuxFact]
    public void Realloc_keeps_content_in_place_and_elsewhere()
    {
        using VmapAllocator vmap = Make();
        byte* range = (byte*)vmap.Realloc(null, 100);
        new Span<byte>(range, 100).Fill(3);
        Assert.True(range == vmap.Realloc(range, Page, VmapFlags.Zeroed));
        Assert.Equal(0, range[100]);
        Assert.True(range == vmap.Realloc(range, 3 * Page, VmapFlags.Zeroed));
        Assert.Equal(-1, new Span<byte>(range + 100, (int)(3 * Page) - 100).IndexOfAnyExcept((byte)0));
        byte* neighbour = (byte*)vmap.Alloc(Page);
        Assert.True(neighbour == range + (3 * Page));
        byte* moved = (byte*)vmap.Realloc(range, 600 * Page);
        Assert.True(moved != range);
        Assert.Equal(100, new Span<byte>(moved, (int)(3 * Page)).LastIndexOf((byte)3) + 1);
        Assert.Equal(MemoryFaultKind.DoubleFree, Fault(() => vmap.Free(range)));
        vmap.Purge();
        moved[0] = 4;
        vmap.Validate();
        vmap.Free(moved);
        vmap.Free(neighbour);
        vmap.Purge(pools: true);
        vmap.Validate();
        AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_map_of_a_block_that_was_given_back_is_no_range_to_free()
    {
        using VmapAllocator vmap = Make();
        Pfn[] frames = new Pfn[64];
        vmap.AllocateFrames(frames);
        nuint first = 0;

        // A whole block, so that it goes to the lazy set, where its record still stands.
        for (uint cut = 0; cut < VmapBlock.Pages / 64; cut++)
        {
            void* map = vmap.MapRam(frames);
            first = cut == 0 ? (nuint)map : first;
            vmap.UnmapRam(map, 64);
        }

        foreach (Action mistake in (Action[])[() => vmap.Unmap((void*)first), () => vmap.Free((void*)first)])
        {
            Assert.Contains("everything was given back already", Message(mistake), StringComparison.Ordinal);
        }

        vmap.FreeFrames(frames);
        vmap.Validate();
    }

    [LinuxFact]
    public void A_window_is_rounded_up()
    {
        using VmapAllocator vmap = Make(window: (6 << 20) - 4096);
        Assert.Equal((6 << 20) / (long)Page, vmap.GetStatistics().WindowPages);
    }

    [LinuxFact]
    public void An_aligned_request_looks_below_the_top_of_the_pool()
    {
        Assert.True(ThreadAffinity.Get(out CoreSet all).Succeeded);
        Assert.True(ThreadAffinity.Pin(all.ToList()[0], out CoreSet previous).Succeeded);
        try
        {
            using VmapAllocator vmap = Make();
            void* aligned = vmap.Alloc(Page, alignment: 1 << 20);
            var others = new List<nuint>();
            while (others.Count < 7)
            {
                others.Add((nuint)vmap.Alloc(Page));
            }

            vmap.Free(aligned);
            foreach (nuint other in others.Where(other => other % (1 << 20) != 0))
            {
                vmap.Free((void*)other);
            }

            long pooled = vmap.GetStatistics().PooledPages;
            Assert.True(aligned == vmap.Alloc(Page, alignment: 1 << 20));
            Assert.Equal(pooled - 1, vmap.GetStatistics().PooledPages);
            vmap.Free(aligned);
            vmap.Validate();
        }
        finally
        {
            Assert.True(ThreadAffinity.Set(previous).Succeeded);
        }
    }

    [LinuxFact]
    public void Per_core_units_are_congruent_and_apart()
    {
        using VmapAllocator vmap = Make();
        VmapPerCoreArea units = vmap.AllocPerCore(100, VmapFlags.Zeroed);
        Assert.Equal(Environment.ProcessorCount, units.CoreCount);
        for (int core = 0; core < units.CoreCount; core++)
        {
            byte* unit = (byte*)units.AddressOf(new CoreId(core));
            Assert.Equal((nuint)units.Address + ((nuint)core * units.Stride), (nuint)unit);
            unit[99] = (byte)(core + 1);
        }

        Assert.Equal(1, ((byte*)units.Address)[99]);
        vmap.Free(units.Address);
        vmap.Purge(pools: true);
        vmap.Validate();
        AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Notifiers_are_asked_before_a_range_cannot_be_made()
    {
        using VmapAllocator vmap = Make(window: 4 << 20);
        void* whole = vmap.Alloc((4 << 20) - Page);
        nuint asked = 0;
        void Give(nuint bytes)
        {
            asked = bytes;
            vmap.Free(whole);
        }

        vmap.AddPurgeNotifier(Give);
        void* next = vmap.Alloc(2 << 20);
        Assert.Equal((nuint)2 << 20, asked);
        vmap.RemovePurgeNotifier(Give);
        OutOfMemoryException problem = Assert.Throws<OutOfMemoryException>(() => vmap.Alloc(3 << 20));
        Assert.Contains("VmapOptions.WindowBytes", problem.Message, StringComparison.Ordinal);
        vmap.Free(next);
        vmap.Validate();
    }

    [LinuxFact]
    public void Running_out_of_frames_is_an_error_that_tells_the_limit()
    {
        using VmapAllocator vmap = Make(capacity: 4 << 20, window: 64 << 20);
        void* most = vmap.Alloc(3 << 20);
        OutOfMemoryException problem = Assert.Throws<OutOfMemoryException>(() => vmap.Alloc(2 << 20));
        Assert.Contains("Mappable zone is limited to 4194304", problem.Message, StringComparison.Ordinal);
        vmap.Free(most);
        vmap.Free(vmap.Alloc((4 << 20) - (64 << 10)));
        vmap.Validate();
    }

    [LinuxFact]
    public void Trim_gives_the_pages_of_free_frames_back()
    {
        using VmapAllocator vmap = Make();
        byte* range = (byte*)vmap.Alloc(8 << 20);
        new Span<byte>(range, 8 << 20).Fill(1);
        vmap.Free(range);
        Assert.True(vmap.Trim() >= 8 << 20);
        Assert.Equal(0, *(byte*)vmap.Alloc(Page, VmapFlags.Zeroed));
        vmap.Validate();
    }

    [Fact]
    public void Outside_of_linux_ranges_are_contiguous_frames()
    {
        using var vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 16 << 20 }, new PortablePlatform());
        Assert.False(vmap.CanMap);
        byte* range = (byte*)vmap.Alloc(3 * Page, VmapFlags.Zeroed);
        Assert.Equal(-1, new Span<byte>(range, (int)(3 * Page)).IndexOfAnyExcept((byte)0));
        range[100] = 5;
        range = (byte*)vmap.Realloc(range, 40 * Page);
        Assert.Equal(5, range[100]);
        Assert.Equal(40 * Page, vmap.FindArea(range)!.Value.Bytes);
        Assert.Throws<PlatformNotSupportedException>(() => vmap.Map([new Pfn(0)]));
        Assert.Throws<OutOfMemoryException>(() => vmap.Alloc(5 << 20));
        vmap.Validate();
        vmap.Free(range);
        vmap.Validate();
        Assert.Equal(0ul, vmap.GetStatistics().Frames.AllocatedFrames);
    }

    internal static VmapAllocator Make(
        ulong capacity = 64 << 20, ulong window = 1 << 30, ulong pooled = 32 << 20, LazyPurgePolicy? purge = null, ulong bound = 0, int mappings = 0) =>
        new(new VmapOptions
        {
            CapacityBytes = capacity,
            WindowBytes = window,
            PooledBytesMaxPerCore = pooled,
            Purge = purge ?? new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
            LazyBytesMax = bound,
            MappingsMax = mappings,
        });

    internal static void AssertEmpty(VmapAllocator vmap)
    {
        VmapStatistics now = vmap.GetStatistics();
        Assert.Equal(now.WindowPages, now.FreePages);
        Assert.Equal(1, now.FreeRanges);
        Assert.Equal(1, now.MappingsInUse);
        Assert.Equal(0ul, now.Frames.AllocatedFrames);
        Assert.Empty(vmap.GetAreas());
    }

    private static void* Unsafe(Span<byte> span) => System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));

    private static string Message(Action mistake) => Assert.Throws<MemoryFaultException>(mistake).Message;

    private static MemoryFaultKind Fault(Action mistake) => Assert.Throws<MemoryFaultException>(mistake).Kind;
}
