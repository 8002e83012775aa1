using System.Globalization;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>
/// Whether resident memory stays where it was in the tenth minute. What is in use changes from one rest to the next by chance and is known, as is what the
/// collector has; what is resident beside them must not grow, nor shrink, by more than 2 % of all that is resident. A minute's mean is compared with a minute's mean.
/// </summary>
internal sealed class ResidentDrift
{
    private const double ShareMax = 0.02;
    private const int RestsPerMinute = 6;
    private static readonly TimeSpan s_from = TimeSpan.FromMinutes(10);

    private readonly List<double> _besides = [];
    private double _resident;

    /// <summary>Notes what one rest found.</summary>
    /// <param name="elapsed">Since the begin.</param>
    /// <param name="resident">Resident bytes.</param>
    /// <param name="known">Bytes of it that runtimes have committed, and the collector.</param>
    /// <exception cref="FindingException">It is more than 2 % away.</exception>
    public void Note(TimeSpan elapsed, double resident, double known)
    {
        if (elapsed < s_from)
        {
            return;
        }

        _besides.Add(resident - known);
        _resident += _besides.Count <= RestsPerMinute ? resident / RestsPerMinute : 0;
        if (Share is { } share && Math.Abs(share) > ShareMax)
        {
            throw new FindingException(
                "resident memory", 0, string.Create(CultureInfo.InvariantCulture, $"±{ShareMax:p0} from the tenth minute on"), string.Create(CultureInfo.InvariantCulture, $"{share:+0.0 %;-0.0 %}"));
        }
    }

    /// <summary>How far the last minute is from the tenth, as a share of what was resident then; null before there are two minutes.</summary>
    public double? Share => _besides.Count < 2 * RestsPerMinute
        ? null
        : (_besides.TakeLast(RestsPerMinute).Average() - _besides.Take(RestsPerMinute).Average()) / _resident;
}
