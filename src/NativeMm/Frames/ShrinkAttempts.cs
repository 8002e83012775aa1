using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The attempts of an allocation that is about to fail: the shrinkers are asked, the caller tries again, and once more for as long as a
/// reporter had blocks isolated in the meantime, which a single try may have missed although they are free. One deadline holds for all attempts.
/// </summary>
/// <param name="shrinkers">Whom to ask.</param>
/// <param name="framesWanted">How many frames the allocation needs.</param>
internal struct ShrinkAttempts(ShrinkerList shrinkers, ulong framesWanted)
{
    /// <summary>Most attempts of one allocation.</summary>
    public const int Max = 16;

    private readonly long _deadline = Environment.TickCount64 + (long)shrinkers.Patience.TotalMilliseconds;
    private int _count;
    private ulong _putBacks;

    /// <summary>Asks the shrinkers, if another attempt is worth it. The caller holds no lock.</summary>
    /// <param name="now">Where isolated blocks are, read after the last attempt failed.</param>
    /// <returns>Whether to try again.</returns>
    public bool Next(IsolationMark now)
    {
        bool mayHaveMissed = _count == 0 || now.IsAnyOut || now.PutBacks != _putBacks;
        if (!mayHaveMissed || _count == Max || (_count > 0 && Environment.TickCount64 >= _deadline))
        {
            return false;
        }

        _count++;
        _putBacks = now.PutBacks;
        return shrinkers.Run(framesWanted, _deadline);
    }
}
