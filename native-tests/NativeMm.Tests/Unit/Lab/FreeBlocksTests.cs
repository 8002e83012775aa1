using NativeMm.Frames;
using NativeMm.Lab.Experiments.Reporting;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The scan finds so many blocks that cannot merge, each time anew, and a zone that is not resident.</summary>
public sealed class FreeBlocksTests
{
    private const int Count = 512;

    public static TheoryNames Schemes => new([.. ReportingVariants.Scan.Select(v => v.Name).Where(name => name != ReportingVariants.Hint.Name)]);

    [Theory]
    [MemberData(nameof(Schemes))]
    public void Every_second_block_is_free_and_unreported(string name)
    {
        using FreeBlocks blocks = FreeBlocks.Create(Count);
        IReportableFrames scheme = ScanSchemes.Create(name, blocks.Zone, FreeBlocks.Order);
        using IFrameAllocator allocator = scheme.Frames;
        blocks.Lay(allocator);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(Count, blocks.Blocks.ToArray().Distinct().Count());
            FrameStatistics now = allocator.GetStatistics();
            Assert.Equal((ulong)Count * FreeBlocks.Order.Frames, now.FreeFrames);
            Assert.Equal((ulong)Count, now.FreeBlocks[FreeBlocks.Order.Value]);
            Assert.Equal((ulong)Count, Report(scheme));
            Assert.Equal(0UL, Report(scheme));
            blocks.Take(allocator);
            blocks.PutBack(allocator);
        }

        allocator.Validate();
    }

    private static ulong Report(IReportableFrames scheme)
    {
        Span<FrameRange> ranges = stackalloc FrameRange[32];
        ulong blocks = 0;
        scheme.Begin(FreeBlocks.Order, FreeBlocks.Order, restart: true);
        while (!scheme.IsAtEnd)
        {
            Span<FrameRange> found = ranges[..scheme.Isolate(ranges, ulong.MaxValue)];
            Assert.All(found.ToArray(), range => Assert.Equal(FreeBlocks.Order, range.Order));
            blocks += (ulong)found.Length;
            scheme.PutBack(found, FrameContent.Reported);
        }

        return blocks;
    }
}
