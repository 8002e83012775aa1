using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Explorer.Cases;

/// <summary>
/// A reporter of a few blocks of 2 MiB, of which one is free when a pass begins, and the others when it has found out that it is worth two threads. A step takes one block.
/// </summary>
internal sealed class ReporterSharedFixture
{
    private static readonly ArenaPlatform s_platform = new();
    private readonly Pfn[] _held;
    private readonly PairRelease _pair;
    private readonly int _blocks;

    /// <summary>Makes it.</summary>
    /// <param name="blocks">Blocks of 2 MiB, the first among them.</param>
    /// <param name="takesFirst">Whether the first block is somebody's by the time the others are free.</param>
    /// <param name="leavesEarly">Whether the pass goes on without a look whether the helper is through.</param>
    public ReporterSharedFixture(int blocks, bool takesFirst = false, bool leavesEarly = false)
    {
        _blocks = blocks;
        Zone = new FrameFixture((uint)blocks);
        _held = [.. Enumerable.Range(1, blocks - 1).Select(_ => Zone.Allocate(Order.Huge))];
        _pair = new PairRelease(Zone, PageReporter.Capacity / 2, () => FreeHeld(takesFirst)) { LeavesEarly = leavesEarly };
        Reporter = new PageReporter(Zone.Frames, new PageReporterOptions { PieceOrder = Order.Huge.Value });
        Reporter.Register(new MadviseDevice(s_platform, DiscardMode.Now, _pair));
    }

    /// <summary>The frames.</summary>
    public FrameFixture Zone { get; }

    /// <summary>The reporter.</summary>
    public PageReporter Reporter { get; }

    /// <summary>Bytes that the pass said it reported.</summary>
    public ulong ReportedBytes { get; private set; }

    /// <summary>The thread that makes a pass.</summary>
    public void Report()
    {
        ReportedBytes = Reporter.ReportNow();
        _pair.End();
    }

    /// <summary>Waits until two threads make the pass.</summary>
    public void AwaitShared() => _pair.AwaitWork();

    /// <summary>The thread that helps it.</summary>
    public void Help() => _pair.Help();

    /// <summary>Everything was reported, once, and is free.</summary>
    public void RequireAllReported()
    {
        Zone.Frames.Validate();
        ReporterStatistics statistics = Reporter.GetStatistics();
        ulong bytes = (ulong)_blocks << (Order.Huge.Value + Pfn.FrameShift);
        Plan.Check(Zone.Frames.GetStatistics().FreeFrames << Pfn.FrameShift == bytes, "a block was not put back");
        Plan.Check(ReportedBytes == bytes && statistics.ReportedBytes == bytes, $"{ReportedBytes} and {statistics.ReportedBytes} bytes are counted, not {bytes}");
        Plan.Check(statistics.ReportedBlocks == _blocks && statistics.DeviceCalls == _blocks && statistics.Passes == 1, $"{statistics} for {_blocks} blocks");
    }

    private void FreeHeld(bool takesFirst)
    {
        if (takesFirst)
        {
            Zone.Allocate(Order.Huge);
        }

        foreach (Pfn block in _held)
        {
            Zone.Frames.Free(block, Order.Huge);
        }
    }
}
