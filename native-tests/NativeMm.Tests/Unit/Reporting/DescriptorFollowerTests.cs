using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>Descriptors are bookkeeping of frames in use: what nobody uses has none that are resident.</summary>
public sealed unsafe class DescriptorFollowerTests
{
    private const long AreaBytes = 32 << 20;

    [Theory]
    [InlineData(FrameAllocatorKind.LockFree)]
    [InlineData(FrameAllocatorKind.Buddy)]
    public void Descriptors_go_back_with_the_blocks_that_they_belong_to(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        using (AddressSpace space = fixture.Runtime.CreateAddressSpace())
        {
            long area = space.Map(AreaBytes, Protection.ReadWrite, MapFlags.None);
            for (long at = 0; at < AreaBytes; at += Pfn.FrameBytes)
            {
                space.Write(area + at, at);
            }

            Assert.True(ResidentPages(fixture) >= AreaBytes / Pfn.FrameBytes * PageFrame.Bytes / Pfn.FrameBytes, "Every frame of the area has a descriptor.");
            space.Unmap(area, AreaBytes);
        }

        fixture.Runtime.Trim();

        // Of each 2 MiB the page of its first descriptor may stay, and something is in use or was not free as a whole. Whoever validates reads all of them.
        const long BlocksOf2MiB = AreaBytes >> 21;
        Assert.InRange(ResidentPages(fixture), 0, 2 * BlocksOf2MiB);
    }

    [Fact]
    public void Pieces_that_are_reported_touch_no_descriptors()
    {
        using var fixture = new HeapFixture();
        IFrameAllocator frames = fixture.Runtime.Frames;
        var pairs = new Pfn[512];
        foreach (ref Pfn frame in pairs.AsSpan())
        {
            Assert.True(frames.TryAllocate(new Order(4), FrameFlags.None, out frame, out _));
            new Span<byte>(frames.Zone.AddressOf(frame), 16 * Pfn.FrameBytes).Fill(1);
        }

        for (int i = 0; i < pairs.Length; i += 2)
        {
            frames.Free(pairs[i], new Order(4));
        }

        ulong before = fixture.Runtime.GetStatistics().Reporting.ReportedBytes;
        fixture.Runtime.Trim();
        Assert.True(fixture.Runtime.GetStatistics().Reporting.ReportedBytes - before >= 256 * 16 * (ulong)Pfn.FrameBytes, "The pieces were reported.");
        Assert.Equal(0, ResidentPages(fixture));
        for (int i = 1; i < pairs.Length; i += 2)
        {
            frames.Free(pairs[i], new Order(4));
        }
    }

    [Fact]
    public void The_first_descriptor_of_a_block_stays()
    {
        using var fixture = new HeapFixture();
        FrameZone zone = fixture.Runtime.Frames.Zone;
        AddressRange range = new DescriptorFollower(zone).RangeOf(new FrameRange(new Pfn(1024), Order.Huge, (nuint)zone.AddressOf(new Pfn(1024))));
        Assert.Equal((nuint)(zone.Descriptors + 1025), range.Address);
        Assert.Equal((nuint)(zone.Descriptors + 1024 + 512), range.Address + range.Bytes);
    }

    private static long ResidentPages(HeapFixture fixture)
    {
        FrameZone zone = fixture.Runtime.Frames.Zone;
        nuint bytes = (nuint)zone.OpenedFrames * PageFrame.Bytes;
        Assert.True(SystemPlatform.Current.CountResident((nuint)zone.Descriptors, bytes, out nuint pages).Succeeded);
        return (long)pages;
    }
}
