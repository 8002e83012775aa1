using System.Diagnostics.Metrics;
using NativeMm.Heap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// A listener of meters that was there before the shared heap, and uses it as soon as it hears of an instrument. Exit code 3: it heard of none; 4: it
/// could not use the heap.
/// </summary>
internal static unsafe class MeterListenerScenario
{
    public static int Run(string[] arguments)
    {
        Exception? problem = null;
        int heard = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name != "NativeMm")
                {
                    return;
                }

                try
                {
                    NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100));
                    self.EnableMeasurementEvents(instrument);
                }
                catch (Exception failure)
                {
                    problem = failure;
                }

                Interlocked.Increment(ref heard);
            },
        };
        listener.Start();
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100));
        if (!SpinWait.SpinUntil(() => Volatile.Read(ref heard) >= 8, TimeSpan.FromSeconds(20)))
        {
            return 3;
        }

        listener.RecordObservableInstruments();
        Console.Error.WriteLine(problem);
        return problem is null ? 0 : 4;
    }
}
