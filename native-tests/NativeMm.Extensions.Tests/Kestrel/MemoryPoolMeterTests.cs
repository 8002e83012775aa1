using System.Buffers;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Kestrel;

public sealed class MemoryPoolMeterTests
{
    private const string MeterName = "Microsoft.AspNetCore.MemoryPool";

    [Fact]
    public async Task Instruments_are_those_of_the_servers_own_pool()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        await using WebApplication app = builder.Build();
        using MemoryPool<byte> theirs = app.Services.GetRequiredService<IMemoryPoolFactory<byte>>().Create(new MemoryPoolOptions { Owner = "theirs" });
        theirs.Rent().Dispose();
        Dictionary<string, Instrument> expected = Instruments(app.Services.GetRequiredService<IMeterFactory>());

        await using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        using var factory = new NativeMemoryPoolFactory(null, meters);
        Dictionary<string, Instrument> ours = Instruments(meters);
        Assert.Equal(4, expected.Count);
        Assert.Equal(expected.Keys.Order(), ours.Keys.Order());
        Assert.All(expected, entry =>
        {
            Instrument mine = ours[entry.Key];
            Assert.Equal((entry.Value.Unit, entry.Value.Description), (mine.Unit, mine.Description));

            // Counters stay counters, and what goes up and down stays that.
            Assert.Equal("Observable" + entry.Value.GetType().Name, mine.GetType().Name);
        });
    }

    [Fact]
    public async Task Values_add_up_for_each_owner()
    {
        await using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        using var factory = new NativeMemoryPoolFactory(new BufferPoolOptions(), meters);
        using MemoryPool<byte> first = factory.Create(new MemoryPoolOptions { Owner = "first" });
        using MemoryPool<byte> same = factory.Create(new MemoryPoolOptions { Owner = "first" });
        using MemoryPool<byte> other = factory.Create(new MemoryPoolOptions { Owner = "other" });
        using MemoryPool<byte> unnamed = factory.Create();
        IMemoryOwner<byte> held = first.Rent(100_000);
        same.Rent(4096).Dispose();
        other.Rent(1).Dispose();
        unnamed.Rent(1).Dispose();
        Assert.Equal((131_072 + 4096, 131_072 + 4096, 4096, 0), Read(meters, "first"));
        Assert.Equal((4096, 4096, 4096, 0), Read(meters, "other"));
        Assert.Equal((4096, 4096, 4096, 0), Read(meters, null));
        held.Dispose();
        factory.Trim();
        Assert.Equal((131_072 + 4096, 131_072 + 4096, 0, 131_072 + 4096), Read(meters, "first"));
    }

    private static (long Rented, long Allocated, long Pooled, long Evicted) Read(IMeterFactory meters, string? owner) =>
        (Read(meters, "rented", owner), Read(meters, "allocated", owner), Read(meters, "pooled", owner), Read(meters, "evicted", owner));

    private static long Read(IMeterFactory meters, string name, string? owner)
    {
        using var collector = new MetricCollector<long>(meters, MeterName, "aspnetcore.memory_pool." + name);
        collector.RecordObservableInstruments();
        return Assert.Single(collector.GetMeasurementSnapshot(), one => (string?)one.Tags.GetValueOrDefault("aspnetcore.memory_pool.owner") == owner).Value;
    }

    private static Dictionary<string, Instrument> Instruments(IMeterFactory meters)
    {
        var found = new Dictionary<string, Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == MeterName && ReferenceEquals(instrument.Meter.Scope, meters))
                {
                    found[instrument.Name] = instrument;
                }
            },
        };
        listener.Start();
        return found;
    }
}
