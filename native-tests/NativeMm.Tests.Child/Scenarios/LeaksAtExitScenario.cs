using System.Buffers;
using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Ends with blocks of checked heaps still allocated, or without any, as its argument says.</summary>
internal static unsafe class LeaksAtExitScenario
{
    public static int Run(string[] arguments)
    {
        switch (arguments[0])
        {
            case "clean":
                Work();
                break;
            case "shared":
                Work();
                Leak(NativeHeap.Shared);
                break;
            case "independent":
                Leak(new NativeHeap());
                break;
            case "exit":
                Leak(NativeHeap.Shared);
                Environment.Exit(5);
                break;
            case "handler":
                Configure(new CheckedOptions { LeakHandler = static report => Console.Out.WriteLine($"{report.HeapName}: {report.Blocks}, {report.Bytes}") });
                Leak(NativeHeap.Shared);
                break;
            case "bad-handler":
                Configure(new CheckedOptions { LeakHandler = static _ => throw new InvalidOperationException("no mail today") });
                Leak(NativeHeap.Shared);
                break;
            case "throw":
                Configure(new CheckedOptions { Leaks = LeakPolicy.Throw });
                Leak(NativeHeap.Shared);
                break;
            case "ignore":
                Configure(new CheckedOptions { Leaks = LeakPolicy.Ignore });
                Leak(NativeHeap.Shared);
                break;
            case "pin":
                LeakPin();
                break;
            case "overrun":
                ((byte*)NativeHeap.Shared.Alloc(10))[10] = 0;
                break;
            default:
                return 2;
        }

        return 0;
    }

    private static void Configure(CheckedOptions options) => MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { Checked = options });

    private static void LeakPin()
    {
        AddressSpace space = MemoryRuntime.Shared.CreateAddressSpace(new AddressSpaceOptions { Name = "held" });
        long area = space.Map(3 * AddressSpace.PageBytes, Protection.ReadWrite);
        space.Pin(area, 1).Dispose();
        space.Pin(area + 5, AddressSpace.PageBytes, PageAccess.Write);
        space.Pin(area, 1);
    }

    private static void Leak(NativeHeap heap)
    {
        heap.Alloc(1000);
        heap.Alloc(10);
        heap.Alloc(10);
    }

    // Everything that the library has to offer on the shared heap, put away as it should be.
    private static void Work()
    {
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100));
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(5 << 20));
        using var arena = new Arena();
        arena.Alloc<long>(100);
        using var buffer = new NativeBuffer<int>(100);
        using var writer = new NativeBufferWriter<byte>();
        writer.Write("written"u8);
        using IMemoryOwner<byte> rent = NativeMemoryPool.Default.Rent();
        using var store = new CompressedPageStore();
        byte[] page = new byte[4096];
        Random.Shared.NextBytes(page);
        store.Store(1, page);
    }
}
