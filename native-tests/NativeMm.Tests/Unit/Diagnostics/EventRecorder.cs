using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace NativeMm.Tests.Unit;

/// <summary>Records the events of the source "NativeMm". Other tests may write some meanwhile: look for your own.</summary>
internal sealed class EventRecorder : EventListener
{
    private readonly ConcurrentQueue<EventWrittenEventArgs> _events = new();

    public IReadOnlyCollection<EventWrittenEventArgs> Events => _events;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "NativeMm")
        {
            EnableEvents(eventSource, EventLevel.Verbose);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // The base constructor already delivers events, before the queue is there.
        if (eventData.EventSource.Name == "NativeMm")
        {
            _events?.Enqueue(eventData);
        }
    }
}
