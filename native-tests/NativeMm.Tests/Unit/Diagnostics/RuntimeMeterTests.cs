using System.Diagnostics.Metrics;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;
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

    [Fact]
    public unsafe void Values_of_a_runtime_add_up_by_state_and_by_subsystem()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { Name = Guid.NewGuid().ToString(), CapacityBytes = 64 << 20, BackgroundTrim = false });
        var blocks = new nint[1000];
        runtime.Heap.AllocBulk(1000, blocks);
        using ZsPool pool = runtime.CreateZsPool();
        pool.Alloc(100);
        using AddressSpace space = runtime.CreateAddressSpace();
        long area = space.Map(8 << 20, Protection.ReadWrite);
        space.Write(area, new byte[1 << 20]);
        using AddressSpace fork = space.Fork();
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "NativeMm" && instrument.Meter.Tags!.Any(tag => (string?)tag.Value == runtime.Options.Name))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            values[string.Join(' ', [instrument.Name, .. tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")])] = value);
        listener.Start();
        runtime.Heap.FreeBulk(blocks.AsSpan(500));
        runtime.Trim();
        listener.RecordObservableInstruments();

        RuntimeStatistics now = runtime.GetStatistics();
        long State(string state) => values[$"nativemm.memory.used nativemm.memory.state={state}"];
        long Subsystem(string name) => values[$"nativemm.subsystem.used nativemm.subsystem={name}"];
        Assert.Equal((long)now.OpenedBytes, State("used") + State("retained") + State("releasing") + State("returned"));
        Assert.Equal(values["nativemm.memory.committed"], State("used") + State("retained") + State("releasing"));
        Assert.Equal(State("used"), Subsystem("heap") + Subsystem("zsmalloc") + Subsystem("vmap") + Subsystem("address_spaces") + Subsystem("caches"));
        Assert.InRange(Subsystem("address_spaces"), 256 << 12, (256 + 12) << 12); // the pages once, and the tables of both
        Assert.Equal(500 * 1024, Subsystem("heap"));
        Assert.InRange(Subsystem("zsmalloc"), 100, 200);
        Assert.InRange(State("returned"), 1, (long)now.OpenedBytes);
        Assert.Equal(0, values["nativemm.lock.contentions nativemm.lock=zsmalloc"]);
    }

    [Fact]
    public unsafe void Mistakes_and_failed_allocations_are_counted_without_a_listener()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        long faults = MemoryFaultCounts.Of(MemoryFaultKind.DoubleFree);
        long failed = MemoryFaultCounts.FailedAllocations;
        void* block = runtime.Heap.Alloc(5000);
        runtime.Heap.Free(block);
        runtime.Trim();
        Assert.ThrowsAny<MemoryFaultException>(() => runtime.Heap.Free(block));
        Assert.Throws<OutOfMemoryException>(() => { runtime.Heap.Alloc(nuint.MaxValue / 2); });
        Assert.True(MemoryFaultCounts.Total > 0);
        Assert.True(MemoryFaultCounts.FailedAllocations > failed);
        Assert.True(MemoryFaultCounts.Of(MemoryFaultKind.DoubleFree) >= faults);
        AssertCounted(MemoryFaultKind.WrongSize, () =>
        {
            Assert.True(runtime.Frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
            Assert.ThrowsAny<MemoryFaultException>(() => runtime.Frames.Free(frame, new Order(1)));
            runtime.Frames.Free(frame, Order.Zero);
        });
        AssertCounted(MemoryFaultKind.ForeignPointer, () =>
        {
            using var watched = new MemoryRuntime(
                new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, Checked = new CheckedOptions { Enabled = true } });
            Assert.ThrowsAny<MemoryFaultException>(() => watched.Heap.Free((void*)0x1000));
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => { MemoryFaultCounts.Of((MemoryFaultKind)99); });
    }

    /// <summary>Others may count at the same time.</summary>
    private static void AssertCounted(MemoryFaultKind kind, Action mistake)
    {
        long before = MemoryFaultCounts.Of(kind);
        mistake();
        Assert.True(MemoryFaultCounts.Of(kind) > before, $"A mistake of kind {kind} was not counted.");
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
