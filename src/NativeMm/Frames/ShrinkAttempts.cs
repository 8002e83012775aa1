using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The attempts of an allocation that is about to fail. Shrinkers are asked in turn; when as many frames came back as are wanted, the caller tries,
/// and if they do not lie together, or somebody else was faster, the next shrinkers are asked. When all were asked, another round follows for as
/// long as the last one brought anything, or a reporter had blocks isolated in the meantime, which a single try may have missed although they are
/// free. One deadline holds for all attempts.
/// </summary>
/// <param name="shrinkers">Whom to ask.</param>
/// <param name="framesWanted">How many frames the allocation needs.</param>
internal struct ShrinkAttempts(ShrinkerList shrinkers, ulong framesWanted)
{
    /// <summary>Most rounds of one allocation that brought nothing, and were made because of isolated blocks.</summary>
    public const int Max = 16;

    /// <summary>Most rounds of one allocation. Others may take what comes back each time, but not that often when there is enough for all.</summary>
    public const int RoundsMax = 64;

    private readonly long _deadline = Environment.TickCount64 + (long)shrinkers.Patience.TotalMilliseconds;
    private IShrinker?[] _round = [];
    private int _asked;
    private int _rounds;
    private int _fruitless;
    private ulong _gained;
    private ulong _putBacks;

    /// <summary>Asks the shrinkers, if another attempt is worth it. The caller holds no lock.</summary>
    /// <param name="now">Where isolated blocks are, read after the last attempt failed.</param>
    /// <returns>Whether to try again.</returns>
    public bool Next(IsolationMark now)
    {
        if (_asked == _round.Length && !TryBeginRound(now))
        {
            return false;
        }

        // One at least, whatever is wanted: the round gets to its end.
        ulong gained = 0;
        do
        {
            // A place is empty when its shrinker was taken off.
            gained += Atomic.LoadAcquire(ref _round[_asked++]) is { } shrinker ? ShrinkerList.Ask(shrinker, framesWanted, _deadline) : 0;
        }
        while (_asked < _round.Length && gained < framesWanted);

        SkipVacant();
        _gained += gained;
        return true;
    }

    private bool TryBeginRound(IsolationMark now)
    {
        bool isFirst = _rounds == 0;
        bool mayHaveMissed = now.IsAnyOut || now.PutBacks != _putBacks;
        _fruitless = _gained != 0 ? 0 : _fruitless;
        if (!isFirst
            && ((_gained == 0 && !mayHaveMissed) || _fruitless >= Max || _rounds == RoundsMax || Environment.TickCount64 >= _deadline))
        {
            return false;
        }

        _round = ShrinkerList.IsAskingHere ? [] : shrinkers.Current;
        _asked = 0;
        _gained = 0;
        _rounds++;
        _fruitless++;
        _putBacks = now.PutBacks;
        SkipVacant();
        return _asked < _round.Length;
    }

    private void SkipVacant()
    {
        while (_asked < _round.Length && Atomic.LoadAcquire(ref _round[_asked]) is null)
        {
            _asked++;
        }
    }
}
