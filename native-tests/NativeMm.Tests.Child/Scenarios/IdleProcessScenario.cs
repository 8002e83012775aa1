using System.Diagnostics;
using System.Globalization;
using NativeMm.Heap;
using NativeMm.Reporting;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// A runtime with short delays and some heaps that were used, and then nothing. Waits until the background threads of the library have slept for a
/// second without waking up, then uses the heap again and waits until the memory is with the system. Exit code 3: they never slept so long; 4: the
/// memory did not go back.
/// </summary>
internal static unsafe class IdleProcessScenario
{
    private const int Heaps = 100;

    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    public static int Run(string[] arguments)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 256 << 20,
            PurgeDelay = TimeSpan.FromMilliseconds(40),
            Reporting = new PageReporterOptions { Delay = TimeSpan.FromMilliseconds(40), PassInterval = TimeSpan.FromMilliseconds(10), HighWaterBlocks = 1 },
        });
        nint[] kept = new nint[Heaps];
        var heaps = new NativeHeap[Heaps];
        for (int i = 0; i < Heaps; i++)
        {
            heaps[i] = runtime.CreateHeap();
            kept[i] = (nint)heaps[i].Alloc(100);
        }

        Use(runtime.Heap);
        if (!AwaitQuiet())
        {
            return 3;
        }

        ulong returned = runtime.GetStatistics().ReturnedBytes;
        ulong bytes = Use(runtime.Heap);
        var clock = Stopwatch.StartNew();
        while (runtime.GetStatistics().ReturnedBytes < returned + (bytes / 2))
        {
            if (clock.Elapsed > s_patience)
            {
                Console.Error.WriteLine($"{runtime.GetStatistics().ReturnedBytes - returned} of {bytes} bytes went back.");
                return 4;
            }

            Thread.Sleep(20);
        }

        GC.KeepAlive(heaps);
        return 0;
    }

    private static ulong Use(NativeHeap heap)
    {
        const int Count = 400;
        const int Bytes = 64 << 10;
        nint* blocks = stackalloc nint[Count];
        for (int i = 0; i < Count; i++)
        {
            blocks[i] = (nint)heap.Alloc(Bytes);
            new Span<byte>((void*)blocks[i], Bytes).Fill(1);
        }

        for (int i = 0; i < Count; i++)
        {
            heap.Free((void*)blocks[i]);
        }

        return Count * Bytes;
    }

    private static bool AwaitQuiet()
    {
        var clock = Stopwatch.StartNew();
        long seen = -1;
        TimeSpan since = default;
        while (clock.Elapsed < s_patience)
        {
            long now = WakeUps();
            if (now != seen)
            {
                (seen, since) = (now, clock.Elapsed);
            }
            else if (clock.Elapsed - since >= s_quiet)
            {
                return true;
            }

            Thread.Sleep(20);
        }

        return false;
    }

    /// <summary>How often the threads of the library gave their core up by themselves. The system cuts names after 15 letters.</summary>
    private static long WakeUps()
    {
        long sum = 0;
        int threads = 0;
        foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            string[] status = File.ReadAllLines(Path.Combine(task, "status"));
            if (status[0].Contains("NativeMm", StringComparison.Ordinal))
            {
                threads++;
                string row = status.First(line => line.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal));
                sum += long.Parse(row[(row.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim(), CultureInfo.InvariantCulture);
            }
        }

        return threads != 0 ? sum : throw new InvalidOperationException("No thread of the library runs.");
    }
}
