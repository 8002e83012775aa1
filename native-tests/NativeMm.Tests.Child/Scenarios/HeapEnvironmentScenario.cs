using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Uses the shared heap and prints whether it is checked, or what that throws. With the argument "every" it prints what every kind of use throws, and
/// whether the finalizers of what could not be made survive; with "configure", what comes of configuring after that.
/// </summary>
internal static unsafe class HeapEnvironmentScenario
{
    public static int Run(string[] arguments) => arguments is ["every"] ? RunEvery() : arguments is ["configure"] ? RunConfigure() : RunOne();

    private static int RunConfigure()
    {
        Try("Alloc", () => NativeHeap.Shared.Alloc(100));
        Try("configure", () => MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions()));
        Try("Alloc again", () => NativeHeap.Shared.Alloc(100));
        return 0;
    }

    private static int RunOne()
    {
        try
        {
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100));
            Console.Out.WriteLine($"checked: {NativeHeap.Shared.IsChecked}");
            return 0;
        }
        catch (Exception e)
        {
            Console.Out.WriteLine($"{e.GetType().Name}: {e.Message}");
            return 4;
        }
    }

    private static int RunEvery()
    {
        Try("Alloc", () => NativeHeap.Shared.Alloc(100));
        Try("TryAlloc", () => NativeHeap.Shared.TryAlloc(100, out _));
        Try("AllocZeroed", () => NativeHeap.Shared.AllocZeroed(100));
        Try("AlignedAlloc", () => NativeHeap.Shared.AlignedAlloc(100, 64));
        Try("large", () => NativeHeap.Shared.Alloc(100 << 20));
        Try("Realloc", () => NativeHeap.Shared.Realloc((void*)4096, 100));
        Try("Free", () => NativeHeap.Shared.Free((void*)4096));
        Try("UsableSize", () => NativeHeap.Shared.UsableSize((void*)4096));
        Try("Trim", () => NativeHeap.Shared.Trim());
        Try("GetStatistics", () => NativeHeap.Shared.GetStatistics());
        Try("Validate", () => NativeHeap.Shared.Validate());
        Try("new heap", () => GC.KeepAlive(new NativeHeap()));
        Try("Shared", () => _ = MemoryRuntime.Shared);
        Try("new runtime", () => GC.KeepAlive(new MemoryRuntime()));
        Try("buffer", () => GC.KeepAlive(new NativeBuffer<byte>(100)));
        Try("writer", () => GC.KeepAlive(new NativeBufferWriter<byte>(100)));
        Try("arena", () => GC.KeepAlive(new Arena()));
        Try("pool", () => NativeMemoryPool.Default.Rent());
        Try("ring", () => GC.KeepAlive(new MirroredRingBuffer(4096)));
        Try("mapped buffer", () => GC.KeepAlive(new MappedBuffer(4096)));
        Try("store", () => GC.KeepAlive(new CompressedPageStore()));
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        // Null is no block, and the heap that could not be made has none.
        NativeHeap.Shared.Free(null);
        return NativeHeap.Shared.Owns((void*)4096) || NativeHeap.Shared.Name != "shared" ? 1 : 0;
    }

    private static void Try(string what, Action use)
    {
        try
        {
            use();
            Console.Out.WriteLine($"{what}: nothing was thrown");
        }
        catch (Exception e)
        {
            Console.Out.WriteLine($"{what}: {e.GetType().Name}: {e.Message}");
        }
    }
}
