using System.Globalization;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>
/// Whether resident memory stays within 2 % of what it was in the tenth minute. What is in use changes by chance from one moment to the next, by more than that;
/// so at each mark everything that is in use is ended, and everything trimmed, and what is resident then is all that the process keeps.
/// </summary>
internal sealed class ResidentDrift
{
    private const double ShareMax = 0.02;
    private static readonly TimeSpan s_from = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(2);

    private TimeSpan _next = s_from;
    private double _first;

    /// <summary>How far the last mark is from the first; null before there are two.</summary>
    public double? Share { get; private set; }

    /// <summary>The largest of all shares, without its sign.</summary>
    public double ShareSeen { get; private set; }

    /// <summary>Marks so far.</summary>
    public int Marks { get; private set; }

    /// <summary>Whether it is time for a mark.</summary>
    /// <param name="elapsed">Since the begin.</param>
    public bool IsDue(TimeSpan elapsed) => elapsed >= _next;

    /// <summary>Notes what is resident when nothing is in use.</summary>
    /// <param name="elapsed">Since the begin.</param>
    /// <param name="resident">Resident bytes of the process, all of them.</param>
    /// <exception cref="FindingException">It is more than 2 % away from the first mark.</exception>
    public void Note(TimeSpan elapsed, double resident)
    {
        _next = elapsed + s_interval;
        Marks++;
        if (Marks == 1)
        {
            _first = resident;
            return;
        }

        double share = (resident / _first) - 1;
        Share = share;
        ShareSeen = Math.Max(ShareSeen, Math.Abs(share));
        if (Math.Abs(share) > ShareMax)
        {
            throw new FindingException(
                "resident memory", 0, string.Create(CultureInfo.InvariantCulture, $"±{ShareMax:p0} from the tenth minute on"), string.Create(CultureInfo.InvariantCulture, $"{share:+0.0 %;-0.0 %}"));
        }
    }
}
