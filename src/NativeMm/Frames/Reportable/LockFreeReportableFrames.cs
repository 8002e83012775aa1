using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Reportable frames of a lock-free allocator: its words say of each 2 MiB and each 64 KiB whether it is free and reported. What a block costs
/// of a pass is what the operating system may hold of it.
/// </summary>
/// <param name="frames">The allocator.</param>
/// <param name="surface">Whom the reporter sees as the allocator.</param>
internal sealed class LockFreeReportableFrames(LockFreeFrameAllocator frames, IFrameAllocator surface) : ScannedFrames(surface)
{
    /// <inheritdoc/>
    public override FrameUse Sample() => frames.SampleUse();

    /// <inheritdoc/>
    public override ulong CountFree(ulong enough) => frames.CountFree(enough);

    /// <inheritdoc/>
    public override void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content)
    {
        if (!ranges.IsEmpty && ranges[0].Order < SmallestScanned)
        {
            frames.PutBackSwept(ranges, content);
        }
        else
        {
            base.PutBack(ranges, content);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Smaller pieces are swept: a word says of which rows.</remarks>
    protected override Order SmallestScanned { get; } = new(LockFreeFrameAllocator.GranuleOrder);

    /// <inheritdoc/>
    protected override int Sweep(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough) =>
        frames.Sweep(scan, ranges, ref cursor, out isThrough);

    /// <inheritdoc/>
    protected override int IsolateAt(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough) =>
        frames.Isolate(scan, ranges, ref cursor, out isThrough);
}
