using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>
/// What nobody used yet is address space alone: it cannot be written, so that no dump holds it and nothing makes it resident. It is opened in steps, a refused step is
/// no memory, and nothing is lost by it.
/// </summary>
public sealed unsafe class ZoneOpeningTests
{
    private const ulong Step = FrameZone.StepFramesMin * (ulong)Pfn.FrameBytes;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void Only_what_was_handed_out_is_open_and_it_takes_few_mappings(FrameVariant variant)
    {
        using var fixture = new Fixture(variant, 256 << 20);
        Assert.Equal(0u, fixture.Zone.OpenedFrames);
        Assert.Equal(0u, fixture.WritableBytes());

        Pfn frame = fixture.Allocate(Order.Zero);

        *(int*)fixture.Zone.AddressOf(frame) = 1;
        Assert.Equal(Step, fixture.WritableBytes());
        var rest = new Pfn[16];
        Assert.Equal(rest.Length, fixture.Frames.AllocateBulk(Order.Max, FrameFlags.None, rest));
        Assert.InRange(fixture.WritableBytes(), 68ul << 20, 96ul << 20);
        Assert.InRange(fixture.Mappings(), 2, 4);
        fixture.Frames.FreeBulk(rest, Order.Max);
        fixture.Frames.Free(frame, Order.Zero);
    }

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void A_refused_step_is_no_memory_and_works_the_next_time(FrameVariant variant)
    {
        using var fixture = new Fixture(variant, 128 << 20);
        fixture.Platform.FailCall(1, kind: PlatformCall.Open, times: int.MaxValue);

        Assert.False(fixture.Frames.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));

        Assert.Contains("ENOMEM", OutOfFrames.Describe(fixture.Frames, 4096), StringComparison.Ordinal);
        fixture.Frames.Validate();
        for (int refused = 1; refused <= 6; refused++)
        {
            // Another part of the same step each time.
            fixture.Platform.FailCall(refused, kind: PlatformCall.Open);
            _ = fixture.Frames.TryAllocate(Order.Max, FrameFlags.None, out _, out _);
            fixture.Platform.FailNothing();
            fixture.Frames.Validate();
        }

        int all = 0;
        while (fixture.Frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out bool knownZero))
        {
            Assert.True(knownZero);
            new Span<byte>(fixture.Zone.AddressOf(frame), (int)Order.Huge.Bytes).Fill(1);
            all++;
        }

        FrameStatistics now = fixture.Frames.GetStatistics();
        Assert.Equal(now.ManagedFrames, now.AllocatedFrames);
        Assert.Equal(fixture.Zone.FrameCount, fixture.Zone.OpenedFrames);
        Assert.InRange(all, 52, 64);
    }

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void Frames_that_nobody_may_touch_yet_are_a_caller_s_mistake_and_no_crash(FrameVariant variant)
    {
        using var fixture = new Fixture(variant, 128 << 20);
        Pfn frame = fixture.Allocate(Order.Zero);
        foreach (int order in (int[])[0, 3, 9, 10])
        {
            var closed = new Pfn(fixture.Zone.FrameCount - 1024);
            Assert.Throws<MemoryFaultException>(() => fixture.Frames.Free(closed, new Order(order)));
            Assert.Throws<MemoryFaultException>(() => fixture.Frames.FreeBulk([closed], new Order(order)));
            Assert.Throws<MemoryFaultException>(() => fixture.Frames.PutBack([closed], new Order(order), FrameContent.Reported));
        }

        fixture.Frames.Free(frame, Order.Zero);
        fixture.Frames.Validate();
    }

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void Threads_that_grow_at_the_same_time_get_every_frame_and_can_touch_it(FrameVariant variant)
    {
        using var fixture = new Fixture(variant, 160 << 20);
        long frames = 0;
        StartGate.Run(4, number =>
        {
            var order = new Order(number % 2 == 0 ? 9 : 6);
            while (fixture.Frames.TryAllocate(order, FrameFlags.None, out Pfn frame, out _))
            {
                *(int*)fixture.Zone.AddressOf(frame) = number;
                Interlocked.Add(ref frames, order.Frames);
            }
        });

        // What threads found too small for the larger order, and no frame besides.
        while (fixture.Frames.TryAllocate(Order.Zero, FrameFlags.None, out _, out _))
        {
            frames++;
        }

        Assert.Equal(fixture.Zone.FrameCount, (uint)frames);
        fixture.Frames.Validate();
    }

    [LinuxFact]
    public void A_pointer_into_memory_that_is_not_open_is_a_fault_of_the_heap_and_no_crash()
    {
        using var fixture = new HeapFixture();
        void* block = fixture.Heap.Alloc(100);
        FrameZone zone = fixture.Runtime.Frames.Zone;

        HeapFixture.AssertFault(MemoryFaultKind.DoubleFree, () => fixture.Heap.Free((void*)(zone.BaseAddress + zone.Bytes - (1 << 20))));

        fixture.Heap.Free(block);
    }

    [LinuxTheory]
    [InlineData(ZoneKind.Normal)]
    [InlineData(ZoneKind.Mappable)]
    public void A_zone_goes_although_the_system_refuses_to_take_its_addresses(ZoneKind kind)
    {
        var platform = new FaultyPlatform();
        Assert.True(FrameZone.TryCreate(platform, kind, 32 << 20, out FrameZone? zone).Succeeded);
        Assert.True(zone!.TryOpen(zone.FrameCount));
        nuint address = zone.BaseAddress;
        new Span<byte>((void*)address, 8 << 20).Fill(1);
        platform.FailCall(1, kind: kind == ZoneKind.Normal ? PlatformCall.Release : PlatformCall.Unmap, times: 10);

        zone.Dispose();

        Assert.Equal(0u, zone.BaseAddress);
        Assert.True(platform.CountResident(address, 8 << 20, out nuint pages).Succeeded);
        Assert.Equal(0u, pages);
    }

    [LinuxFact]
    public void The_arrays_of_a_runtime_are_closed_as_its_zone_is()
    {
        using var fixture = new HeapFixture(64UL << 30);
        fixture.Heap.Free(fixture.Heap.Alloc(100));
        FrameZone zone = fixture.Runtime.Frames.Zone;
        var descriptors = (nuint)zone.Descriptors;

        Assert.Equal(zone.OpenedFrames * (ulong)PageFrame.Bytes, WritableBytes(descriptors, descriptors + ((nuint)zone.FrameCount * PageFrame.Bytes)));
        Assert.Equal(FrameZone.StepFramesMin, zone.OpenedFrames);
    }

    /// <summary>Bytes of a part of the address space that can be written, and were not mapped from a file.</summary>
    private static ulong WritableBytes(nuint from, nuint to) => Maps(from, to).Where(map => map.Writable).Aggregate(0UL, (sum, map) => sum + map.Bytes);

    private static IEnumerable<(ulong Bytes, bool Writable)> Maps(nuint from, nuint to)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] parts = line.Split(' ', 3);
            ulong[] ends = [.. parts[0].Split('-').Select(text => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            (ulong start, ulong end) = (ulong.Max(ends[0], from), ulong.Min(ends[1], to));
            if (start < end)
            {
                yield return (end - start, parts[1][1] == 'w');
            }
        }
    }

    private sealed class Fixture : IDisposable
    {
        private readonly IFrameAllocator[] _chain;

        public Fixture(FrameVariant variant, ulong bytes)
        {
            Assert.True(FrameZone.TryCreate(Platform, ZoneKind.Normal, bytes, out FrameZone? zone).Succeeded);
            Zone = zone!;
            _chain = FrameVariants.Create(variant, Zone);
        }

        public FaultyPlatform Platform { get; } = new();

        public FrameZone Zone { get; }

        public IFrameAllocator Frames => _chain[0];

        public Pfn Allocate(Order order)
        {
            Assert.True(Frames.TryAllocate(order, FrameFlags.None, out Pfn frame, out _));
            return frame;
        }

        public ulong WritableBytes() => ZoneOpeningTests.WritableBytes(Zone.BaseAddress, Zone.BaseAddress + Zone.Bytes);

        public int Mappings() => Maps(Zone.BaseAddress, Zone.BaseAddress + Zone.Bytes).Count();

        public void Dispose()
        {
            foreach (IFrameAllocator allocator in _chain)
            {
                allocator.Dispose();
            }

            Zone.Dispose();
            Platform.AssertNothingLeaked();
        }
    }
}
