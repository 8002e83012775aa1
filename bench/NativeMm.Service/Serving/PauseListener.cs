using System.Diagnostics.Tracing;

namespace NativeMm.Service.Serving;

/// <summary>Hears of every pause of the collector: from the moment when threads are stopped to the one when they go on. Events come some tenths of a second late.</summary>
internal sealed class PauseListener : EventListener
{
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";
    private const EventKeywords Collections = (EventKeywords)1;
    private const int SuspendBegins = 9;
    private const int RestartEnds = 3;
    private const uint ForCollection = 1;
    private const uint ForPhaseOfCollection = 6;
    private const int PausesMax = 100_000;

    private readonly List<(DateTime At, TimeSpan Length)> _pauses = [];
    private readonly Lock _lock = new();
    private DateTime? _begunAt;

    /// <summary>The pauses that began at or after a time, at most 100,000 since the start.</summary>
    public IReadOnlyList<(DateTime At, TimeSpan Length)> Since(DateTime time)
    {
        lock (_lock)
        {
            return [.. _pauses.Where(pause => pause.At >= time)];
        }
    }

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Runtime)
        {
            EnableEvents(eventSource, EventLevel.Informational, Collections);
        }
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventId is not (SuspendBegins or RestartEnds))
        {
            return;
        }

        lock (_lock)
        {
            if (eventData.EventId == SuspendBegins)
            {
                // Debuggers, and code that is replaced, stop threads as well.
                _begunAt = eventData.Payload is [uint reason, ..] && reason is ForCollection or ForPhaseOfCollection ? eventData.TimeStamp : null;
            }
            else if (_begunAt is { } begun && _pauses.Count < PausesMax)
            {
                _pauses.Add((begun, eventData.TimeStamp - begun));
                _begunAt = null;
            }
        }
    }
}
