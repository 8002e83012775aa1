using NativeMm.Heap;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// A process that has all of its limit, by what its runtimes are told: what another runtime keeps, and then garbage, goes before a large block is mapped. Prints the bytes that the other one had before
/// and after, and how many full collections there were.
/// </summary>
internal static unsafe class ProcessRoomScenario
{
    private const int Blocks = 50_000;
    private const int BlockBytes = 1000;
    private const int GarbageBytes = 8 << 20;

    public static int Run(string[] arguments)
    {
        using MemoryRuntime other = Make();
        using MemoryRuntime runtime = Make();
        var blocks = new nint[Blocks];
        for (int i = 0; i < Blocks; i++)
        {
            blocks[i] = (nint)other.Heap.Alloc(BlockBytes);
            new Span<byte>((void*)blocks[i], BlockBytes).Fill(1);
        }

        foreach (nint block in blocks)
        {
            other.Heap.Free((void*)block);
        }

        byte[] garbage = GC.AllocateUninitializedArray<byte>(GarbageBytes, pinned: true);
        int collections = GC.CollectionCount(GC.MaxGeneration);
        ulong before = other.GetStatistics().CommittedBytes;
        void* large = runtime.Heap.Alloc(4 << 20);
        Console.WriteLine($"{before} {other.GetStatistics().CommittedBytes} {GC.CollectionCount(GC.MaxGeneration) - collections}");
        GC.KeepAlive(garbage);
        runtime.Heap.Free(large);

        // A collection in vain is not repeated at once.
        collections = GC.CollectionCount(GC.MaxGeneration);
        runtime.Heap.Free(runtime.Heap.Alloc(5 << 20));
        Console.WriteLine(GC.CollectionCount(GC.MaxGeneration) - collections);
        return 0;
    }

    /// <summary>The share is ample, and the process has more than it may.</summary>
    private static MemoryRuntime Make() => new(new MemoryRuntimeOptions
    {
        CapacityBytes = 128 << 20,
        LargeRetainBytesMax = 0,
        BackgroundTrim = false,
        NativeShareBytes = 256UL << 20,
        ProcessBytesMax = 16UL << 20,
    });
}
