using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Tells an allocation that is about to fail whether frames may have been hidden from it: on their way from one place where it looks to another.
/// See [T1] to [T3] in CachedFrameAllocator.cs.
/// </summary>
/// <param name="patience">How long to wait for frames that do not arrive.</param>
internal ref struct FrameTransits(TimeSpan patience)
{
    private readonly long _deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
    private Backoff _backoff;
    private uint _arrivals;
    private int _count;

    /// <summary>An attempt begins.</summary>
    /// <param name="arrivals">Grows after frames arrived.</param>
    public void Look(in uint arrivals) => _arrivals = Atomic.LoadAcquire(in arrivals); // [T3]

    /// <summary>The attempt failed: waits a little if frames are on their way.</summary>
    /// <param name="inTransit">How many threads have frames on their way.</param>
    /// <param name="arrivals">The word of <see cref="Look"/>.</param>
    /// <returns>Whether another attempt is worth it.</returns>
    public bool MayHaveHidden(in int inTransit, in uint arrivals)
    {
        // In this order: when nobody is in transit any more, whoever was has counted his arrival.
        bool isAnyOut = Atomic.LoadAcquire(in inTransit) != 0; // [T3]
        bool anyArrived = Atomic.LoadAcquire(in arrivals) != _arrivals; // [T3]
        if (isAnyOut)
        {
            _backoff.Wait();
        }

        // What arrived may be taken by others each time; what is on its way may be so for as long as its thread has no core.
        return (isAnyOut && Environment.TickCount64 < _deadline) || (anyArrived && ++_count < ShrinkAttempts.Max);
    }
}
