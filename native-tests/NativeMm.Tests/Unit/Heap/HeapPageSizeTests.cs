using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>
/// Pages of 16 and 64 KiB, as arm64 has them: what goes back is whole pages of the system, and nobody loses what shares a page with it. The fixture
/// fails a test that asks the platform for anything else.
/// </summary>
public sealed unsafe class HeapPageSizeTests
{
    private readonly List<(nint Block, int Bytes, byte Content)> _live = [];

    [LinuxTheory]
    [InlineData(16 << 10, FrameAllocatorKind.LockFree, 9, 4)]
    [InlineData(64 << 10, FrameAllocatorKind.LockFree, 9, 4)]
    [InlineData(64 << 10, FrameAllocatorKind.Buddy, 9, 4)]
    [InlineData(64 << 10, FrameAllocatorKind.LockFree, 0, 0)]
    [InlineData(64 << 10, FrameAllocatorKind.Buddy, 2, 1)]
    [InlineData(16 << 10, FrameAllocatorKind.Buddy, 0, 0)]
    public void Live_blocks_and_the_bookkeeping_of_their_neighbours_outlast_what_goes_back(
        int pageBytes, FrameAllocatorKind frames, int blockOrder, int pieceOrder)
    {
        var reporting = new PageReporterOptions { BlockOrder = blockOrder, PieceOrder = pieceOrder };
        using var fixture = new HeapFixture(64 << 20, frames, reporting, pageBytes);
        var random = new Random(pageBytes + blockOrder);
        for (int wave = 0; wave < 6; wave++)
        {
            for (int i = 0; i < 1000; i++)
            {
                Alloc(fixture, random);
            }

            for (int i = 0; i < 960; i++)
            {
                Free(fixture, random.Next(_live.Count));
            }

            fixture.Runtime.Trim();
            fixture.Runtime.Validate();
        }

        Assert.Equal(0, fixture.Runtime.Reporter.GetStatistics().DeviceFailures);
        Assert.True(fixture.DiscardedBytes > 4 << 20, $"Only {fixture.DiscardedBytes} bytes went back.");
        while (_live.Count > 0)
        {
            Free(fixture, 0);
        }
    }

    [LinuxTheory]
    [InlineData(16 << 10)]
    [InlineData(64 << 10)]
    public void Single_frames_that_share_a_page_with_free_ones_keep_their_content(int pageBytes)
    {
        using var fixture = new HeapFixture(64 << 20, reporting: new PageReporterOptions { BlockOrder = 0, PieceOrder = 0 }, pageBytes: pageBytes);
        var frames = new Pfn[4096];
        Assert.Equal(frames.Length, fixture.Runtime.Frames.AllocateBulk(Order.Zero, default, frames));
        foreach (Pfn frame in frames)
        {
            *(uint*)fixture.Runtime.Frames.Zone.AddressOf(frame) = frame.Value;
        }

        Pfn[] freed = [.. frames.Where(frame => frame.Value % 5 == 0)];
        fixture.Runtime.Frames.FreeBulk(freed, Order.Zero);
        fixture.Runtime.Reporter.ReportNow();

        Pfn[] kept = [.. frames.Except(freed)];
        Assert.NotEmpty(kept);
        Assert.All(kept, frame => Assert.Equal(frame.Value, *(uint*)fixture.Runtime.Frames.Zone.AddressOf(frame)));
        fixture.Runtime.Frames.FreeBulk(kept, Order.Zero);
    }

    private void Alloc(HeapFixture fixture, Random random)
    {
        int bytes = random.Next(1, 30_000);
        byte content = (byte)random.Next(1, 256);
        var block = (nint)fixture.Heap.Alloc((nuint)bytes);
        new Span<byte>((void*)block, bytes).Fill(content);
        _live.Add((block, bytes, content));
    }

    private void Free(HeapFixture fixture, int index)
    {
        (nint block, int bytes, byte content) = _live[index];
        _live[index] = _live[^1];
        _live.RemoveAt(_live.Count - 1);
        Assert.False(new ReadOnlySpan<byte>((void*)block, bytes).ContainsAnyExcept(content), $"A live block of {bytes} bytes lost its content.");
        fixture.Heap.Free((void*)block);
    }
}
