using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Somebody above the frames who can move the content of his frames elsewhere. The frame layer asks when it wants to empty a block of 2 MiB.
/// </summary>
public interface IFrameMigrator
{
    /// <summary>
    /// Moves the content of a frame into another one. Thread-safe. Never waits for the frame's users: a frame in use is refused, and may be asked
    /// for again later.
    /// </summary>
    /// <param name="frame">The frame to be emptied; any frame of the zone.</param>
    /// <param name="target">A frame of the caller's, whose content does not matter.</param>
    /// <returns>
    /// True: the target now belongs to the migrator, the frame to the caller. False: the frame is not the migrator's, or in use, and nothing changed.
    /// </returns>
    bool TryMigrate(Pfn frame, Pfn target);
}
