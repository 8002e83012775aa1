using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

public sealed unsafe class MadviseDeviceTests
{
    [LinuxFact]
    public void Pages_of_reported_blocks_are_not_resident_any_more_and_those_in_use_are()
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        using FrameZone zone = MakeZone(platform, ZoneKind.Normal);
        using var frames = new LockFreeFrameAllocator(zone);
        using var reporter = new PageReporter(frames, new PageReporterOptions());
        reporter.Register(new MadviseDevice());
        List<Pfn> blocks = [];
        for (int i = 0; i < 24; i++)
        {
            Assert.True(frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _));
            new Span<byte>(zone.AddressOf(frame), (int)Order.Huge.Bytes).Fill(0xAB);
            blocks.Add(frame);
        }

        Assert.All(blocks, block => Assert.Equal(512u, Resident(platform, zone, block)));
        List<Pfn> freed = [.. blocks.Where((_, at) => at % 3 != 0)];
        frames.FreeBulk([.. freed], Order.Huge);

        Assert.Equal((ulong)freed.Count * Order.Huge.Bytes, reporter.ReportNow());

        Assert.All(blocks.Except(freed), block => Assert.Equal(512u, Resident(platform, zone, block)));
        Assert.All(freed, block => Assert.Equal(0u, Resident(platform, zone, block)));
        Assert.True(frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn again, out bool knownZero) && knownZero);
        Assert.False(new Span<byte>(zone.AddressOf(again), (int)Order.Huge.Bytes).ContainsAnyExcept((byte)0));
    }

    [LinuxTheory]
    [InlineData(BuddyReportScheme.Rotation, true)]
    [InlineData(BuddyReportScheme.Rotation, false)]
    [InlineData(BuddyReportScheme.Boundary, true)]
    public void Holes_of_64_KiB_go_back_and_their_neighbours_stay(BuddyReportScheme scheme, bool buddy)
    {
        var order = new Order(4);
        IMemoryPlatform platform = SystemPlatform.Current;
        using FrameZone zone = MakeZone(platform, ZoneKind.Normal);
        using IFrameAllocator frames = buddy ? new BuddyFrameAllocator(zone) : new LockFreeFrameAllocator(zone);
        using var reporter = new PageReporter(frames, new PageReporterOptions { Scheme = scheme });
        reporter.Register(new MadviseDevice());
        var blocks = new Pfn[256];
        Assert.Equal(blocks.Length, frames.AllocateBulk(order, FrameFlags.None, blocks));
        Assert.All(blocks, block => new Span<byte>(zone.AddressOf(block), (int)order.Bytes).Fill(0xAB));
        Pfn[] holes = [.. blocks.Where(block => block.Value / order.Frames % 2 == 0)];
        frames.FreeBulk(holes, order);

        Assert.Equal((ulong)holes.Length * order.Bytes, reporter.ReportNow());

        foreach (Pfn block in blocks)
        {
            Assert.True(platform.CountResident(zone.BaseAddress + block.Offset, order.Bytes, out nuint pages).Succeeded);
            Assert.Equal(holes.Contains(block) ? 0u : 16u, pages);
        }

        foreach (Pfn block in blocks.Except(holes))
        {
            Assert.False(new Span<byte>(zone.AddressOf(block), (int)order.Bytes).ContainsAnyExcept((byte)0xAB));
            frames.Free(block, order);
        }
    }

    [LinuxFact]
    public void Lazily_discarded_pages_are_never_known_to_be_zero()
    {
        using FrameZone zone = MakeZone(SystemPlatform.Current, ZoneKind.Normal);
        using var frames = new LockFreeFrameAllocator(zone);
        using var reporter = new PageReporter(frames, new PageReporterOptions { Mode = DiscardMode.WhenNeeded });
        reporter.Register(new MadviseDevice(DiscardMode.WhenNeeded));
        Assert.True(frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _));
        new Span<byte>(zone.AddressOf(frame), (int)Order.Huge.Bytes).Fill(0xAB);
        frames.Free(frame, Order.Huge);
        Assert.Equal(Order.Huge.Bytes, reporter.ReportNow());
        Assert.Equal(512u, frames.GetStatistics().ReportedFrames - (frames.GetStatistics().ManagedFrames - 512));

        // Not even when a zeroed block is cut out of it.
        List<Pfn> all = [];
        while (frames.TryAllocate(Order.Huge, FrameFlags.Zeroed, out Pfn zeroed, out _))
        {
            Assert.False(new Span<byte>(zone.AddressOf(zeroed), (int)Order.Huge.Bytes).ContainsAnyExcept((byte)0));
            all.Add(zeroed);
        }

        Assert.Contains(frame, all);
    }

    [LinuxTheory]
    [InlineData("lock-free")]
    [InlineData("Rotation")]
    [InlineData("Boundary")]
    public void Reported_blocks_and_no_others_are_given_up_lazily(string frames)
    {
        const ulong Freed = 10 * 2 << 20;

        // The kernel gathers pages in batches, one a core, before it takes note of them.
        const ulong Batches = 1 << 20;
        ChildResult child = ChildProcess.Run("reporting-lazy-free", [frames]);
        Assert.True(child.ExitCode == 0, child.Error);
        ulong[] figures = [.. child.Output.Split(' ').Select(ulong.Parse)];
        (ulong before, ulong after, ulong written, ulong reported) = (figures[0], figures[1], figures[2], figures[3]);
        Assert.Equal(Freed, reported);
        Assert.InRange(after, before + Freed - Batches, before + Freed);
        Assert.True(written <= before, $"Memory in use was given up: {child.Output}");
    }

    [LinuxFact]
    public void A_memory_file_is_refused()
    {
        using FrameZone zone = MakeZone(SystemPlatform.Current, ZoneKind.Mappable);
        using var frames = new LockFreeFrameAllocator(zone);
        using var reporter = new PageReporter(frames);
        Assert.Throws<ArgumentException>(() => reporter.Register(new MadviseDevice()));
        var wrapped = Assert.Throws<ArgumentException>(() => reporter.Register(new RecordingDevice(new RecordingDevice(new MadviseDevice()))));
        Assert.Contains("RecordingDevice cannot work for a zone of kind Mappable", wrapped.Message, StringComparison.Ordinal);
        reporter.Register(new RecordingDevice());
    }

    [LinuxFact]
    public void Blocks_of_a_memory_file_are_never_known_to_be_zero_whatever_a_device_says()
    {
        // A device around another one may not pass on which zones that supports.
        var device = new MadviseDevice();
        using FrameZone zone = MakeZone(SystemPlatform.Current, ZoneKind.Mappable);
        using var frames = new LockFreeFrameAllocator(zone);
        using var reporter = new PageReporter(frames);
        reporter.Register(new ScriptedDevice(ranges => device.Report(ranges)));
        Assert.True(frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _));
        new Span<byte>(zone.AddressOf(frame), (int)Order.Huge.Bytes).Fill(0xAB);
        frames.Free(frame, Order.Huge);
        Assert.Equal(Order.Huge.Bytes, reporter.ReportNow());

        Assert.True(frames.TryAllocate(Order.Huge, FrameFlags.Zeroed, out Pfn again, out _));
        Assert.Equal(frame, again);
        Assert.False(new Span<byte>(zone.AddressOf(again), (int)Order.Huge.Bytes).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void A_mode_without_a_name_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MadviseDevice((DiscardMode)9));

    private static FrameZone MakeZone(IMemoryPlatform platform, ZoneKind kind)
    {
        Assert.True(FrameZone.TryCreate(platform, kind, 64 << 20, out FrameZone? zone).Succeeded);
        return zone!;
    }

    private static nuint Resident(IMemoryPlatform platform, FrameZone zone, Pfn block)
    {
        Assert.True(platform.CountResident(zone.BaseAddress + block.Offset, Order.Huge.Bytes, out nuint pages).Succeeded);
        return pages;
    }
}
