using System.Globalization;
using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>The figures of the document: frames of 64 MiB in blocks of 2 MiB before and after all pages but one of each are unmapped.</summary>
public sealed class SplitBlocksTests
{
    private const int Blocks = 32;
    private const int BlockBytes = 2 << 20;

    [Fact]
    public void The_document_says_what_is_left_of_64_MiB()
    {
        (ulong before, ulong after) = Measure(splits: true);
        (ulong beforeWithout, ulong afterWithout) = Measure(splits: false);
        Assert.Equal(before, beforeWithout);
        Assert.Equal(before - ((Blocks * 512ul) - Blocks), after);
        Assert.Equal(before, afterWithout);
        string text = File.ReadAllText(RepositoryRoot.Combine("docs", "algorithms", "page-tables.md"));
        Assert.Contains($"| without the split | {Figure(before)} | {Figure(afterWithout)} |", text, StringComparison.Ordinal);
        Assert.Contains($"| with it | {Figure(before)} | {Figure(after)} |", text, StringComparison.Ordinal);
    }

    private static string Figure(ulong frames) => frames.ToString("N0", CultureInfo.InvariantCulture);

    private static (ulong Before, ulong After) Measure(bool splits)
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 80);
        using var epochs = new EpochDomain();
        using var space = new AddressSpace(splits ? frames.Allocator : new ParkedFrames(frames.Allocator), new AddressSpaceOptions { FaultPermits = 1 }, epochs);
        long area = space.Map((long)Blocks * BlockBytes, Protection.ReadWrite, MapFlags.HugePages);
        for (long block = area; block < area + ((long)Blocks * BlockBytes); block += BlockBytes)
        {
            space.Write(block, 1L);
        }

        Assert.Equal(Blocks, space.GetStatistics().HugeBlocks);
        ulong before = frames.Allocator.GetStatistics().AllocatedFrames;
        for (long block = area; block < area + ((long)Blocks * BlockBytes); block += BlockBytes)
        {
            space.Unmap(block + Pfn.FrameBytes, BlockBytes - Pfn.FrameBytes);
            Assert.Equal(1L, space.Read<long>(block));
        }

        return (before, frames.Allocator.GetStatistics().AllocatedFrames);
    }
}
