using System.Diagnostics;
using System.Globalization;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Fills memory with blocks, frees them, and gives it back by a call (argument "trim") or waits for the background (argument "wait"). Second
/// argument: bytes. Prints anonymous resident bytes at first, when full, and at the end; what the statistics say was returned; and the garbage
/// collections between.
/// </summary>
internal static unsafe class HeapGiveBackScenario
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    public static int Run(string[] arguments)
    {
        bool wait = arguments[0] == "wait";
        int bytes = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { BackgroundTrim = wait, PurgeDelay = TimeSpan.FromMilliseconds(100) });
        nint[] blocks = new nint[bytes / 1024];
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(1));
        ulong before = Resident();
        int collections = GC.CollectionCount(0);
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)NativeHeap.Shared.Alloc(1024);
            *(byte*)blocks[i] = 1;
        }

        ulong full = Resident();
        NativeHeap.Shared.FreeBulk(blocks);
        ulong returned = wait ? 0 : MemoryRuntime.Shared.Trim();
        long start = Stopwatch.GetTimestamp();
        using var tick = new ManualResetEventSlim();

        // A pass counts what it gave back when it is over, a moment after it happened.
        while (wait && (Resident() > before + ((full - before) / 10) || Returned() < (ulong)bytes / 10 * 9)
            && Stopwatch.GetElapsedTime(start) < s_timeout)
        {
            tick.Wait(TimeSpan.FromMilliseconds(20));
        }

        ulong after = Resident();
        collections = GC.CollectionCount(0) - collections;
        ulong counted = Returned();
        Console.Out.WriteLine($"{before} {full} {after} {(wait ? counted : returned)} {counted} {collections}");
        MemoryRuntime.Shared.Validate();
        return 0;
    }

    private static ulong Returned() => MemoryRuntime.Shared.GetStatistics().ReturnedBytes;

    private static ulong Resident() => ProcessMemory.ReadRollup(out ProcessMemoryRollup rollup).Succeeded ? rollup.Anonymous : 0;
}
