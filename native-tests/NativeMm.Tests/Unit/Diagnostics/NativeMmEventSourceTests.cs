using System.Diagnostics.Tracing;
using System.Reflection;
using NativeMm.Diagnostics;
using NativeMm.Tests.Architecture;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class NativeMmEventSourceTests
{
    [Fact]
    public void Source_is_well_formed()
    {
        Assert.Null(NativeMmEventSource.Log.ConstructionException);
        Assert.Equal("NativeMm", NativeMmEventSource.Log.Name);
        string? manifest = EventSource.GenerateManifest(typeof(NativeMmEventSource), null, EventManifestOptions.Strict);
        Assert.Contains("DeadThreadAdopted", manifest, StringComparison.Ordinal);
    }

    [Fact]
    public void The_document_names_every_event()
    {
        IEnumerable<string> inCode = typeof(NativeMmEventSource)
            .GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Select(method => (method.Name, Event: method.GetCustomAttribute<EventAttribute>()))
            .Where(method => method.Event is not null)
            .Select(method => $"{method.Event!.EventId} {method.Name} {method.Event.Level}");
        string[][] table = OptionTable.ReadTable(File.ReadAllText(RepositoryRoot.Combine("docs", "tuning.md")), "## Events");
        Assert.Equal(["event", "id", "level", "written when"], table[0]);
        Assert.Equal(inCode.Order(StringComparer.Ordinal), table.Skip(1).Select(cells => $"{cells[1]} {cells[0].Trim('`')} {cells[2]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Events_carry_their_figures()
    {
        long marker = Random.Shared.NextInt64();
        using var recorder = new EventRecorder();
        NativeMmEventSource.Log.TrimPass(marker, 2, 3);
        NativeMmEventSource.Log.OutOfMemory(marker, 5, 6);
        NativeMmEventSource.Log.DeadThreadAdopted("heap", marker);
        EventWrittenEventArgs[] events = [.. recorder.Events.Where(written => written.Payload!.Contains(marker))];
        Assert.Equal(["TrimPass", "OutOfMemory", "DeadThreadAdopted"], events.Select(written => written.EventName!));
        Assert.Equal([marker, 2L, 3L], events[0].Payload!);
        Assert.Equal([marker, 5L, 6L], events[1].Payload!);
        Assert.Equal(["heap", marker], events[2].Payload!);
        Assert.Equal(["returnedBytes", "retainedBytes", "durationMicroseconds"], events[0].PayloadNames!);
    }
}
