namespace NativeMm.Reporting;

/// <summary>
/// How long to leave a device alone that fails: twice as long after each failure, up to a minute, and no longer at all after a success. Not
/// thread-safe; no clock of its own.
/// </summary>
internal sealed class DeviceBackoff
{
    /// <summary>The longest pause, unless the interval itself is longer.</summary>
    public static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(1);

    private readonly TimeSpan _interval;
    private TimeSpan _pause;
    private TimeSpan _until;

    /// <summary>Nothing failed yet.</summary>
    /// <param name="interval">Time from one pass to the next without failures, more than 0.</param>
    public DeviceBackoff(TimeSpan interval)
    {
        _interval = interval;
        Reset();
    }

    /// <summary>Whether the device may be called.</summary>
    /// <param name="now">The time, from any beginning.</param>
    public bool IsOver(TimeSpan now) => now >= _until;

    /// <summary>The device failed.</summary>
    /// <param name="now">The time, from the same beginning.</param>
    public void NoteFailure(TimeSpan now)
    {
        TimeSpan longest = _interval > PauseMax ? _interval : PauseMax;
        _pause = 2 * _pause < longest ? 2 * _pause : longest;
        _until = now + _pause;
    }

    /// <summary>The device did its work, or is another one.</summary>
    public void Reset()
    {
        _pause = _interval;
        _until = TimeSpan.MinValue;
    }
}
