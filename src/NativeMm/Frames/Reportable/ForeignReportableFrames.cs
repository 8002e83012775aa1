using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>Reportable frames of an allocator of somebody else's, through the public contract alone.</summary>
/// <param name="frames">The allocator.</param>
/// <param name="surface">Whom the reporter sees as the allocator.</param>
internal sealed class ForeignReportableFrames(IFrameAllocator frames, IFrameAllocator surface) : ScannedFrames(surface)
{
    /// <inheritdoc/>
    public override FrameUse Sample()
    {
        FrameStatistics now = frames.GetStatistics();
        ulong known = now.AllocatedFrames + now.ReportedFrames;
        return new FrameUse(now.AllocatedFrames, now.ManagedFrames - Math.Min(now.ManagedFrames, known));
    }

    /// <inheritdoc/>
    public override ulong CountFree(ulong enough) => frames.GetStatistics().FreeFrames;

    /// <inheritdoc/>
    protected override int IsolateAt(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough)
    {
        int wanted = (int)Math.Min((ulong)ranges.Length, Math.Min(scan.HeldMax, scan.FreeMax) / scan.Order.Frames);
        isThrough = false;
        if (wanted == 0)
        {
            return 0;
        }

        Span<Pfn> found = stackalloc Pfn[wanted];
        int count = frames.Isolate(scan.Order, found, ref cursor);
        for (int i = 0; i < count; i++)
        {
            ranges[i] = new FrameRange(found[i], scan.Order, frames.Zone.BaseAddress + found[i].Offset);
        }

        isThrough = cursor == 0;
        return count;
    }
}
