using System.Runtime.CompilerServices;
using NativeMm.Lab.Experiments.Trace;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Locality;

/// <summary>Replays a trace once, in recorded order, and notes where the blocks lie that are handed out.</summary>
internal sealed class LocalityMeasurement(Traces.Trace trace) : IPeerVisitor<Measurement>
{
    private const int Window = 1000;

    /// <inheritdoc/>
    public Measurement Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        var counter = new TouchCounter(Window);
        var slots = new THandle[trace.ObjectCount];
        foreach (ref readonly TraceRecord record in trace.Records.AsSpan())
        {
            ref THandle slot = ref slots[record.Object];
            TraceReplay.Perform<TAllocator, THandle>(in record, ref slot);
            if (record.Operation != TraceOperation.Free && slot.Exists && record.Size > 0)
            {
                nuint address = AddressOf(slot);
                counter.Touch(address);
                counter.Touch(address + (nuint)record.Size - 1);
            }

            counter.EndRecord();
        }

        TraceReplay.FreeRest<TAllocator, THandle>(slots);
        return new Measurement()
            .Add("lines_per_thousand", counter.Lines)
            .Add("pages_per_thousand", counter.Pages)
            .Add("cache_misses_per_thousand", counter.CacheMisses)
            .Add("translation_misses_per_thousand", counter.TranslationMisses);
    }

    // Every variant of the experiment names its blocks by address.
    private static unsafe nuint AddressOf<THandle>(THandle block)
        where THandle : struct, IBlockHandle => (nuint)Unsafe.As<THandle, AddressHandle>(ref block).Address;
}
