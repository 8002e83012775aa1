using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace NativeMm.Tests.Unit.Zsmalloc;

/// <summary>Hears the fault events of the library while it lives.</summary>
internal sealed class CapturedFaults : EventListener
{
    private readonly ConcurrentQueue<string> _messages = new();

    public IEnumerable<string> Messages => _messages;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "NativeMm")
        {
            EnableEvents(eventSource, EventLevel.Critical);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName == "MemoryFault")
        {
            _messages?.Enqueue(string.Join(' ', eventData.Payload ?? (IEnumerable<object?>)[]));
        }
    }
}
