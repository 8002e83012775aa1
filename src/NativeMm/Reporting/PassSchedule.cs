namespace NativeMm.Reporting;

/// <summary>
/// When work that comes back at a fixed interval is due. A beat that comes late does not shift the ones after it; beats that were missed
/// altogether are not made up for. Not thread-safe; no clock of its own.
/// </summary>
/// <param name="interval">Time from one beat to the next, more than 0.</param>
/// <param name="now">The time, from any beginning; the first beat is an interval later.</param>
internal sealed class PassSchedule(TimeSpan interval, TimeSpan now)
{
    private TimeSpan _dueAt = now + interval;

    /// <summary>Whether a beat is due; if so the next one is an interval after it.</summary>
    /// <param name="now">The time, from the same beginning.</param>
    public bool IsDue(TimeSpan now)
    {
        if (now < _dueAt)
        {
            return false;
        }

        _dueAt += interval;
        if (_dueAt <= now)
        {
            _dueAt = now + interval;
        }

        return true;
    }

    /// <summary>Time until the next beat.</summary>
    /// <param name="now">The time, from the same beginning.</param>
    public TimeSpan WaitFrom(TimeSpan now) => _dueAt > now ? _dueAt - now : TimeSpan.Zero;
}
