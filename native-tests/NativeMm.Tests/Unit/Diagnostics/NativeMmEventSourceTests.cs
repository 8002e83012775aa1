using System.Diagnostics.Tracing;
using NativeMm.Diagnostics;
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
