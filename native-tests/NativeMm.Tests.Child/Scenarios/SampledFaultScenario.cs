using System.Runtime.CompilerServices;
using NativeMm.Heap;
using NativeMm.Heap.Sampled;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Makes a mistake with a guarded block. Arguments: overrun, underrun, use-after-free, native (use after free by a system call's copy in native
/// code), double-free, or null (a null reference, which the runtime must still turn into its exception).
/// </summary>
internal static unsafe class SampledFaultScenario
{
    public static int Run(string[] arguments)
    {
        var options = new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            Sampled = new SampledOptions { Enabled = true, Interval = 1, TimePercentMax = 100 },
        };
        using var runtime = new MemoryRuntime(options);
        switch (arguments[0])
        {
            case "overrun":
                Touch(AllocateHere(runtime.Heap, 32, atEnd: true) + 32);
                break;
            case "underrun":
                Touch(AllocateHere(runtime.Heap, 32, atEnd: false) - 1);
                break;
            case "use-after-free":
                Touch(FreedHere(runtime.Heap) + 5);
                break;
            case "native":
                Environment.SetEnvironmentVariable("X", new string('x', 10));
                NativeCopy(FreedHere(runtime.Heap));
                break;
            case "double-free":
                runtime.Heap.Free(FreedHere(runtime.Heap));
                break;
            default:
                _ = AllocateHere(runtime.Heap, 32, atEnd: true);
                return NullReference(null);
        }

        return 0;
    }

    /// <summary>Allocates until the block is a guarded one that lies at the wanted end of its page.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* AllocateHere(NativeHeap heap, nuint bytes, bool atEnd)
    {
        for (int i = 0; i < 100_000; i++)
        {
            byte* block = (byte*)heap.Alloc(bytes);
            bool endsPage = (((nuint)block + bytes) & ((nuint)Environment.SystemPageSize - 1)) == 0;
            if (GuardedPages.IfMade is { } pages && pages.Contains((nuint)block) && endsPage == atEnd)
            {
                Console.Error.WriteLine($"block 0x{(nuint)block:x}");
                return block;
            }
        }

        throw new InvalidOperationException("No allocation was guarded.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* FreedHere(NativeHeap heap)
    {
        byte* block = AllocateHere(heap, 100, atEnd: false);
        heap.Free(block);
        return block;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Touch(byte* address)
    {
        Console.Error.WriteLine($"touching 0x{(nuint)address:x16}");
        *address = 1;
    }

    private static void NativeCopy(byte* address)
    {
        Console.Error.WriteLine($"touching 0x{(nuint)address:x16}");
        _ = System.Runtime.InteropServices.NativeLibrary.TryGetExport(
            System.Runtime.InteropServices.NativeLibrary.Load("libc.so.6"), "strlen", out nint strlen);
        _ = ((delegate* unmanaged<byte*, nuint>)strlen)(address);
    }

    private static int NullReference(string? text)
    {
        try
        {
            return text!.Length;
        }
        catch (NullReferenceException)
        {
            Console.Out.WriteLine("caught");
            return 0;
        }
    }
}
