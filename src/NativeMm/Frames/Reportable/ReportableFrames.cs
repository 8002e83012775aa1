namespace NativeMm.Frames;

/// <summary>Chooses how the free blocks of an allocator are found for reporting.</summary>
internal static class ReportableFrames
{
    /// <summary>The way that suits an allocator.</summary>
    /// <param name="frames">The allocator.</param>
    /// <param name="scheme">For a buddy allocator: how it keeps track of what was reported. Others ignore it.</param>
    public static IReportableFrames For(IFrameAllocator frames, BuddyReportScheme scheme) => For(frames, frames, scheme);

    /// <summary>The way that suits an allocator behind others.</summary>
    /// <param name="frames">The allocator.</param>
    /// <param name="surface">Whom the reporter sees as the allocator.</param>
    /// <param name="scheme">For a buddy allocator: how it keeps track of what was reported.</param>
    public static IReportableFrames For(IFrameAllocator frames, IFrameAllocator surface, BuddyReportScheme scheme) =>
        frames is IFrameSource source ? source.Reportable(surface, scheme) : new ForeignReportableFrames(frames, surface);
}
