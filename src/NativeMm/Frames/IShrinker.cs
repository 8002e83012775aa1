namespace NativeMm.Frames;

/// <summary>
/// Somebody above the frames who holds memory that it could do without. The frame layer asks before an allocation fails.
/// </summary>
public interface IShrinker
{
    /// <summary>
    /// Gives frames back to the allocator, at least as many as wanted if it can. Called without any lock of the frame layer, possibly by
    /// several threads at once; must not allocate frames without <see cref="FrameFlags.NoReclaim"/>. What it throws reaches whoever allocates, who gets nothing then;
    /// an <see cref="OutOfMemoryException"/> counts as 0 frames.
    /// </summary>
    /// <param name="framesWanted">How many frames the failing allocation needs.</param>
    /// <returns>How many frames it gave back.</returns>
    ulong Shrink(ulong framesWanted);
}
