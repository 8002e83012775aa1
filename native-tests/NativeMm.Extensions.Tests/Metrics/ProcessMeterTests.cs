using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Metrics;

public sealed class ProcessMeterTests
{
    [Fact]
    public async Task Names_units_and_tags_are_those_of_the_documents()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
        using IHost host = builder.Build();
        await host.StartAsync().WaitAsync(TimeSpan.FromSeconds(60));
        var name = $"pool {Guid.NewGuid()}";
        using var pool = new NativeBufferPool(name: name);
        IDisposable[] rents = [pool.RentMemory(100_000), pool.RentMemory(100_000)];
        rents[0].Dispose();

        IReadOnlyList<CollectedMeasurement<long>> pools = Collect("nativemm.pool.used", "By");
        Dictionary<string, long> states = pools.Where(one => (string?)one.Tags["nativemm.pool.name"] == name)
            .ToDictionary(one => (string)one.Tags["nativemm.memory.state"]!, one => one.Value);
        Assert.Equal((131_072, 131_072), (states["used"], states["retained"]));
        Assert.Equal(pool.GetStatistics().ReservedBytes, states.Values.Sum());

        Assert.Contains(Collect("nativemm.faults", "{fault}"), one => (string?)one.Tags["nativemm.fault.kind"] == "double_free");
        Assert.Single(Collect("nativemm.allocations.failed", "{allocation}"));
        IReadOnlyList<CollectedMeasurement<long>> faults = Collect("nativemm.page_faults", "{fault}");
        Assert.Equal(["major", "minor"], faults.Select(one => (string)one.Tags["nativemm.page_fault.type"]!).Order());
        Assert.True(faults.Single(one => (string?)one.Tags["nativemm.page_fault.type"] == "minor").Value > 1000);
        rents[1].Dispose();

        IReadOnlyList<CollectedMeasurement<long>> Collect(string instrument, string unit)
        {
            using var collector = new MetricCollector<long>(null, "NativeMm", instrument);
            collector.RecordObservableInstruments();
            Assert.Equal(unit, collector.Instrument!.Unit);
            return collector.GetMeasurementSnapshot();
        }
    }

    [Fact]
    public async Task Hosts_of_a_process_publish_its_meter_once_and_until_the_last_one_ends()
    {
        using var pool = new NativeBufferPool(name: $"pool {Guid.NewGuid()}");
        using var twin = new NativeBufferPool(name: pool.Name);
        using IDisposable rent = pool.RentMemory(100_000);
        using IDisposable other = twin.RentMemory(100_000);
        using IHost last = Build();
        using (IHost first = Build())
        {
            await first.StartAsync().WaitAsync(TimeSpan.FromSeconds(60));
            await last.StartAsync().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(262_144, Assert.Single(Read(pool.Name)));
        }

        Assert.Equal(262_144, Assert.Single(Read(pool.Name)));

        static IHost Build()
        {
            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            builder.Services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
            return builder.Build();
        }
    }

    /// <summary>What a listener by name hears of the rented bytes of a pool.</summary>
    private static List<long> Read(string pool)
    {
        var heard = new List<long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument is { Name: "nativemm.pool.used", Meter.Name: "NativeMm" })
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            Dictionary<string, object?> all = new(tags.ToArray());
            if ((string?)all["nativemm.pool.name"] == pool && (string?)all["nativemm.memory.state"] == "used")
            {
                heard.Add(value);
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return heard;
    }
}
