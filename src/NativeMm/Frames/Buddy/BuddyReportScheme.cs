namespace NativeMm.Frames;

/// <summary>How a buddy allocator keeps track of which blocks on its free lists were reported.</summary>
public enum BuddyReportScheme
{
    /// <summary>A list is turned until its first unreported block is in front; nothing has to be kept between two passes.</summary>
    Rotation,

    /// <summary>A mark for each list stands at the first block of a tail that is reported as a whole, and moves towards the head.</summary>
    Boundary,
}
