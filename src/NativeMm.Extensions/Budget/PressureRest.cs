namespace NativeMm.Extensions;

/// <summary>
/// How long something is left alone that was done for want of memory and brought nothing: each time twice as long, unless the process grows meanwhile. A budget below what cannot be given up must not
/// take the service's time as well. A mutable struct, of one thread at a time.
/// </summary>
/// <param name="least">Time that is left between two attempts in any case.</param>
/// <param name="most">Most time.</param>
internal struct PressureRest(TimeSpan least, TimeSpan most)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(100);

    private TimeSpan _rest;
    private long _since;
    private long _resident;
    private long _managed;

    /// <summary>Whether it is still left alone.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="resident">Resident bytes of the process.</param>
    /// <param name="managed">Bytes of the collector.</param>
    /// <param name="growth">What either must have grown by for the rest to end early.</param>
    public readonly bool Holds(TimeProvider time, long resident, long managed, long growth)
    {
        if (_rest == TimeSpan.Zero)
        {
            return false;
        }

        TimeSpan passed = time.GetElapsedTime(_since);
        return passed < least || (passed < _rest && resident < _resident + growth && managed < _managed + growth);
    }

    /// <summary>It was done.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="resident">Resident bytes of the process, afterwards.</param>
    /// <param name="managed">Bytes of the collector, afterwards.</param>
    /// <param name="inVain">Whether it brought next to nothing.</param>
    public void Note(TimeProvider time, long resident, long managed, bool inVain)
    {
        TimeSpan longer = 2 * (_rest > least ? _rest : least);
        longer = longer > s_first ? longer : s_first;
        _rest = !inVain ? least : longer < most ? longer : most;
        (_since, _resident, _managed) = (time.GetTimestamp(), resident, managed);
    }
}
