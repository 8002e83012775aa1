namespace NativeMm.Reporting;

/// <summary>
/// How long a background thread sleeps: as its work wants it while there is any, and twice as long after each pass that found everything at rest, up to
/// two seconds or more. So an idle process wakes up less than once a second, and what begins to move is noticed that late at most. Not thread-safe; no
/// clock of its own.
/// </summary>
/// <param name="longest">The longest sleep, if it is more than <see cref="LongestMin"/>.</param>
internal sealed class RestPace(TimeSpan longest)
{
    /// <summary>The longest sleep is never shorter: 2 s.</summary>
    public static readonly TimeSpan LongestMin = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _longest = longest > LongestMin ? longest : LongestMin;
    private TimeSpan _sleep;

    /// <summary>How long to sleep now.</summary>
    /// <param name="isAtRest">Whether the pass found nothing to do and nothing new.</param>
    /// <param name="wanted">When the next pass is due otherwise.</param>
    public TimeSpan NextWait(bool isAtRest, TimeSpan wanted)
    {
        TimeSpan doubled = 2 * _sleep < _longest ? 2 * _sleep : _longest;
        _sleep = isAtRest && doubled > wanted ? doubled : wanted;
        return _sleep;
    }
}
