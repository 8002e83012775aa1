using System.Diagnostics.Metrics;
using NativeMm.Diagnostics;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class RuntimeMeterTests
{
    [Fact]
    public void Instruments_are_asked_only_when_somebody_listens_and_not_after_the_end()
    {
        string owner = Guid.NewGuid().ToString();
        int asked = 0;
        var measured = new List<string>();
        using var meter = new RuntimeMeter(owner);
        meter.AddBytes("memory.in_use", "Bytes in blocks.", () => Interlocked.Increment(ref asked) * 10);
        meter.AddTotal("memory.returned", "By", "Bytes given back.", () => 9);
        Assert.Equal(0, asked);

        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "NativeMm" && instrument.Meter.Tags!.Any(tag => (string?)tag.Value == owner))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => measured.Add($"{instrument.Name} {value} {instrument.Unit}"));
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(["nativemm.memory.in_use 10 By", "nativemm.memory.returned 9 By"], measured.Order());

        meter.Dispose();
        listener.RecordObservableInstruments();
        Assert.Equal(1, asked);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Memory")]
    [InlineData(".memory")]
    [InlineData("memory.")]
    [InlineData("memory..use")]
    [InlineData("memory use")]
    public void Bad_name_is_refused(string name)
    {
        using var meter = new RuntimeMeter("test");
        Assert.Throws<ArgumentException>(() => meter.AddBytes(name, "x", () => 0));
    }
}
