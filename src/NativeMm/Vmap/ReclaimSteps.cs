using NativeMm.Frames;

namespace NativeMm.Vmap;

/// <summary>How far a request that found no room has gone towards it.</summary>
/// <param name="isolators">Who may have frames out of circulation for a moment.</param>
/// <param name="framesWanted">How many frames the request needs.</param>
internal struct ReclaimSteps(ShrinkerList isolators, ulong framesWanted)
{
    /// <summary>The waits for frames that are under report.</summary>
    public ShrinkAttempts Isolated = new(isolators, framesWanted);

    /// <summary>The next step of giving up what is kept: 0 at first.</summary>
    public int Step;
}
