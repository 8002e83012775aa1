namespace NativeMm.Frames;

/// <summary>Where the frames of a zone are, as far as the pace of reporting needs it. Approximate while others work.</summary>
/// <param name="AllocatedFrames">Frames handed out.</param>
/// <param name="UnreportedFrames">Free frames whose pages the operating system may hold.</param>
internal readonly record struct FrameUse(ulong AllocatedFrames, ulong UnreportedFrames)
{
    /// <summary>Frames that the operating system may hold.</summary>
    public ulong BackedFrames => AllocatedFrames + UnreportedFrames;
}
