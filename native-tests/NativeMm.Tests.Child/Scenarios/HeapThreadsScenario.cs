using System.Globalization;
using NativeMm.Heap;
using NativeMm.Platform;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Runs short threads one after another; each frees what the one before it left. Arguments: how many, and behind how many to look first.
/// Prints resident bytes then and at the end, the thread caches that exist and the live blocks.
/// </summary>
internal static unsafe class HeapThreadsScenario
{
    private static readonly nint[] s_left = new nint[64];

    public static int Run(string[] arguments)
    {
        int threads = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        int first = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        ulong before = 0;
        for (int i = 0; i < threads; i++)
        {
            var thread = new Thread(Live, maxStackSize: 256 << 10);
            thread.Start();
            if (!thread.Join(TimeSpan.FromSeconds(30)))
            {
                return 3;
            }

            before = i == first ? Resident() : before;
        }

        ulong after = Resident();
        NativeHeap.Shared.FreeBulk(s_left);
        HeapStatistics statistics = NativeHeap.Shared.GetStatistics();
        NativeHeap.Shared.Validate();
        Console.Out.WriteLine($"{before} {after} {statistics.ThreadCaches} {statistics.Classes.Sum(row => row.LiveBlocks)}");
        return 0;
    }

    private static void Live()
    {
        NativeHeap.Shared.FreeBulk(s_left);
        nint* own = stackalloc nint[64];
        for (int i = 0; i < 64; i++)
        {
            own[i] = (nint)NativeHeap.Shared.Alloc((nuint)(16 + (i * 97)));
            s_left[i] = (nint)NativeHeap.Shared.Alloc((nuint)(16 + (i * 41)));
            (*(byte*)own[i], *(byte*)s_left[i]) = (1, 2);
        }

        NativeHeap.Shared.FreeBulk(new ReadOnlySpan<nint>(own, 64));
    }

    private static ulong Resident()
    {
        // What the garbage collector holds for the Thread objects is not the heap's.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return ProcessMemory.ReadRollup(out ProcessMemoryRollup rollup).Succeeded ? rollup.Anonymous : 0;
    }
}
