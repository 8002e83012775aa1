using System.Diagnostics.Tracing;
using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Gives the runtime options in one of several ways and prints what became of the environment: whether the heap is checked, what a double free does,
/// the intervals, and the events about ignored variables.
/// </summary>
internal static unsafe class EnvironmentOptionsScenario
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static int Run(string[] arguments)
    {
        using var notes = new NoteListener();
        MemoryRuntime? own = null;
        try
        {
            own = Configure(arguments[0]);
        }
        catch (Exception e)
        {
            Console.Out.WriteLine($"{e.GetType().Name}: {e.Message}");
            return 4;
        }

        MemoryRuntime runtime = own ?? MemoryRuntime.Shared;
        Console.Out.WriteLine($"checked: {runtime.Heap.IsChecked}, stacks: {runtime.Options.Checked.StackSampleInterval}");
        Console.Out.WriteLine($"sampled: {runtime.Options.Sampled.Enabled}, interval: {runtime.Options.Sampled.Interval}");
        if (runtime.Heap.IsChecked)
        {
            Console.Out.WriteLine($"double free: {DoubleFree(runtime.Heap)}");
        }

        int expected = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        bool came = notes.Await(expected, s_limit);
        own?.Dispose();
        return came ? 0 : 3;
    }

    private static MemoryRuntime? Configure(string how)
    {
        var options = new MemoryRuntimeOptions { CapacityBytes = 128 << 20, BackgroundTrim = false };
        switch (how)
        {
            case "nothing":
                return null;
            case "shared":
                MemoryRuntime.ConfigureShared(options);
                return null;
            case "shared-off":
                MemoryRuntime.ConfigureShared(options with
                {
                    Checked = new CheckedOptions { Enabled = false },
                    Sampled = new SampledOptions { Enabled = false },
                });
                return null;
            case "shared-handler":
                MemoryRuntime.ConfigureShared(options with { Checked = new CheckedOptions { LeakHandler = static _ => { } } });
                return null;
            case "own":
                return new MemoryRuntime(options);
            default:
                throw new ArgumentException($"There is no way '{how}'.", nameof(how));
        }
    }

    private static string DoubleFree(NativeHeap heap)
    {
        void* block = heap.Alloc(100);
        heap.Free(block);
        try
        {
            heap.Free(block);
            return "silent";
        }
        catch (MemoryFaultException fault)
        {
            return fault.Kind.ToString();
        }
    }

    private sealed class NoteListener : EventListener
    {
        private readonly SemaphoreSlim _notes = new(0);

        public bool Await(int count, TimeSpan limit)
        {
            for (int i = 0; i < count; i++)
            {
                if (!_notes.Wait(limit))
                {
                    return false;
                }
            }

            return true;
        }

        public override void Dispose()
        {
            base.Dispose();
            _notes.Dispose();
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "NativeMm")
            {
                EnableEvents(eventSource, EventLevel.Warning);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "EnvironmentIgnored")
            {
                Console.Out.WriteLine($"event: {eventData.Payload![0]}");
                _notes.Release();
            }
        }
    }
}
