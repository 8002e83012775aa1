namespace NativeMm.Frames;

/// <summary>What is known of the pages of a free block.</summary>
public enum FrameContent
{
    /// <summary>The pages may be resident and hold anything.</summary>
    Unknown,

    /// <summary>The operating system has been told that it may take the pages; their content is undefined.</summary>
    Reported,

    /// <summary>The operating system has taken the pages; they read as zero.</summary>
    ReportedZero,
}
