namespace NativeMm.Frames;

/// <summary>Wishes that go with a frame allocation.</summary>
[Flags]
public enum FrameFlags
{
    /// <summary>Any frames, content undefined, unmovable.</summary>
    None = 0,

    /// <summary>The frames read as zero. Frames known to be zero are not cleared again.</summary>
    Zeroed = 1,

    /// <summary>The owner can move the content elsewhere on request.</summary>
    Movable = 2,

    /// <summary>The owner gives the frames back when its shrinker is asked.</summary>
    Reclaimable = 4,

    /// <summary>Fail at once rather than run the shrinkers. For callers that are a shrinker, or hold a lock that one needs.</summary>
    NoReclaim = 8,

    /// <summary>
    /// The owner writes to all of it at once: where the operating system has no pages yet, it is asked for them by one call, with their neighbours in the
    /// same granule, instead of by a fault for each. Advice only; the content is the same.
    /// </summary>
    Populate = 16,
}
