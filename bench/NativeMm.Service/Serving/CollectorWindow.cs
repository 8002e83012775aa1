using System.Diagnostics;
using System.Text.Json.Nodes;

namespace NativeMm.Service.Serving;

/// <summary>What the collector did since the last begin, and what is resident. Also a window that nobody began has a beginning: the start.</summary>
/// <param name="pauses">Hears of the pauses.</param>
internal sealed class CollectorWindow(PauseListener pauses)
{
    private const int IntervalsMax = 4000;
    private DateTime _beganAt = DateTime.UtcNow;
    private long _timestamp = Stopwatch.GetTimestamp();
    private TimeSpan _paused = GC.GetTotalPauseDuration();
    private int _gen2 = GC.CollectionCount(2);
    private long _allocated = GC.GetTotalAllocatedBytes();

    /// <summary>Begins anew. One caller at a time.</summary>
    public void Begin()
    {
        _beganAt = DateTime.UtcNow;
        _timestamp = Stopwatch.GetTimestamp();
        _paused = GC.GetTotalPauseDuration();
        _gen2 = GC.CollectionCount(2);
        _allocated = GC.GetTotalAllocatedBytes();
    }

    /// <summary>What it is by now. The curve has the longest pause that began in each interval, in milliseconds.</summary>
    public JsonObject Read()
    {
        IReadOnlyList<(DateTime At, TimeSpan Length)> seen = pauses.Since(_beganAt);
        return new JsonObject
        {
            ["resident"] = Environment.WorkingSet,
            ["pauses"] = seen.Count,
            ["pause_max_ms"] = seen.Count == 0 ? 0 : seen.Max(pause => pause.Length.TotalMilliseconds),
            ["pause_share"] = (GC.GetTotalPauseDuration() - _paused) / Stopwatch.GetElapsedTime(_timestamp),
            ["gen2"] = GC.CollectionCount(2) - _gen2,
            ["allocated"] = GC.GetTotalAllocatedBytes() - _allocated,
            ["pause_curve"] = new JsonArray([.. CurveOf(seen).Select(longest => (JsonNode)double.Round(longest.TotalMilliseconds, 3))]),
        };
    }

    private TimeSpan[] CurveOf(IReadOnlyList<(DateTime At, TimeSpan Length)> seen)
    {
        var curve = new TimeSpan[int.Min(IntervalsMax, 1 + (int)(Stopwatch.GetElapsedTime(_timestamp) / TimeCurve.Interval))];
        foreach ((DateTime at, TimeSpan length) in seen)
        {
            ref TimeSpan longest = ref curve[int.Clamp((int)((at - _beganAt) / TimeCurve.Interval), 0, curve.Length - 1)];
            longest = length > longest ? length : longest;
        }

        return curve;
    }
}
