using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>A migrator that can tell how many frames of a block are his, so that no frame is moved out of a block that can never be emptied.</summary>
internal interface IFrameCensus : IFrameMigrator
{
    /// <summary>Whether he has any frame at all.</summary>
    bool HasFrames { get; }

    /// <summary>Counts his frames; approximate while he works.</summary>
    /// <param name="first">The first frame to look at.</param>
    /// <param name="count">How many to look at.</param>
    uint CountFrames(Pfn first, uint count);
}
