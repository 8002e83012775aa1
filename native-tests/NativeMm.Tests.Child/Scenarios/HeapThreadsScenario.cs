using System.Globalization;
using System.Runtime.InteropServices;
using NativeMm.Heap;
using NativeMm.Platform;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Runs short threads one after another; each frees what the one before it left. Arguments: how many, behind how many to look first, and
/// "heap", or "control" for the C library's heap instead: the runtime itself keeps some memory for each thread that it had. Prints anonymous
/// resident bytes then and at the end, the thread caches that exist, the live blocks, and the bytes of the heap's slabs and caches.
/// </summary>
internal static unsafe class HeapThreadsScenario
{
    private const int CollectEvery = 100;

    private static readonly nint[] s_left = new nint[64];
    private static bool s_control;

    public static int Run(string[] arguments)
    {
        int threads = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        int first = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        s_control = arguments[2] == "control";
        ulong before = 0;
        for (int i = 0; i < threads; i++)
        {
            var thread = new Thread(Live, maxStackSize: 256 << 10);
            thread.Start();
            if (!thread.Join(TimeSpan.FromSeconds(30)))
            {
                return 3;
            }

            // The runtime keeps what a dead thread had until a collection finds its object; that is not the heap's.
            if (i == first || i % CollectEvery == 0)
            {
                ulong now = Resident();
                before = i <= first ? now : before;
            }
        }

        ulong after = Resident();
        Free(s_left);
        HeapStatistics statistics = NativeHeap.Shared.GetStatistics();
        NativeHeap.Shared.Validate();
        Console.Out.WriteLine($"{before} {after} {statistics.ThreadCaches} {statistics.Classes.Sum(row => row.LiveBlocks)} {statistics.SlabBytes + statistics.MetadataBytes}");
        return 0;
    }

    private static void Live()
    {
        Free(s_left);
        nint* own = stackalloc nint[64];
        for (int i = 0; i < 64; i++)
        {
            own[i] = Alloc(16 + (i * 97));
            s_left[i] = Alloc(16 + (i * 41));
            (*(byte*)own[i], *(byte*)s_left[i]) = (1, 2);
        }

        Free(new ReadOnlySpan<nint>(own, 64));
    }

    private static nint Alloc(int bytes) => (nint)(s_control ? NativeMemory.Alloc((nuint)bytes) : NativeHeap.Shared.Alloc((nuint)bytes));

    private static void Free(ReadOnlySpan<nint> blocks)
    {
        foreach (nint block in blocks)
        {
            if (s_control)
            {
                NativeMemory.Free((void*)block);
            }
            else
            {
                NativeHeap.Shared.Free((void*)block);
            }
        }
    }

    private static ulong Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return ProcessMemory.ReadRollup(out ProcessMemoryRollup rollup).Succeeded ? rollup.Anonymous : 0;
    }
}
