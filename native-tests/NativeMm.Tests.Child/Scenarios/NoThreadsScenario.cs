using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Teardown;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// The system refuses every further thread before the library is used for the first time. Uses a bit of everything, and prints that it begins, a line for each thing that failed; then
/// whether a thread was refused, and what the runtime says of its own. Exit code 4 when threads cannot be refused here.
/// </summary>
internal static unsafe class NoThreadsScenario
{
    private const int TryAgain = 11;
    private const int CloneNew = 435;
    private const long Bytes = 8 << 20;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    private static int Clone => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 220 : 56;

    public static int Run(string[] arguments)
    {
        // The console makes a thread when it is first used.
        Console.Out.WriteLine("begins");
        if (!SystemCallFilter.TryRefuse(Clone, TryAgain) || !SystemCallFilter.TryRefuse(CloneNew, TryAgain))
        {
            return 4;
        }

        Try("shared heap", static () => NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100)));
        MemoryRuntime? runtime = null;
        Try("runtime", () => runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 256 << 20,
            Teardown = new TeardownOptions { InlineFloorBytes = 1 << 20 },
        }));
        if (runtime is null)
        {
            return 0;
        }

        Try("heap", () => UseHeap(runtime));
        Try("ranges", () => UseRanges(runtime));
        Try("space", () => UseSpace(runtime));
        Try("memory larger than its budget", () => UsePages(runtime));
        Try("cache", () => UseCache(runtime));
        Try("pool", () => UsePool(runtime));
        Try("trim", () => runtime.Trim());
        Try("validate", runtime.Validate);
        Try("thread", static () => new Thread(static () => { }).Start());
        RuntimeStatistics now = runtime.GetStatistics();
        Console.Out.WriteLine($"{now.TrimFailures} {now.InUseBytes} {now.ReleasingBytes} {now.LastTrimFailure}");
        Try("end", () => Await(runtime.DisposeAsync().AsTask()));
        return 0;
    }

    private static void UseHeap(MemoryRuntime runtime)
    {
        NativeHeap heap = runtime.CreateHeap();
        for (int i = 0; i < 4; i++)
        {
            new Span<byte>(heap.Alloc((nuint)Bytes), (int)Bytes).Fill(1);
        }

        heap.Free(heap.Realloc(heap.AllocZeroed(100), 100_000));
        Await(heap.DisposeAsync().AsTask());
    }

    private static void UseRanges(MemoryRuntime runtime)
    {
        using var own = new VmapAllocator(new VmapOptions
        {
            CapacityBytes = 64 << 20,
            WindowBytes = 256 << 20,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.WorkerPerLazyMax, LazyPagesMax = 64 },
        });
        for (int i = 0; i < 1000; i++)
        {
            own.Free(own.Alloc(100_000));
        }

        new MappedBuffer(100_000, runtime: runtime).Dispose();
    }

    private static void UseSpace(MemoryRuntime runtime)
    {
        AddressSpace space = runtime.CreateAddressSpace();
        long address = space.Map(Bytes, Protection.ReadWrite);
        for (long at = address; at < address + Bytes; at += AddressSpace.PageBytes)
        {
            space.Write(at, at);
        }

        Await(space.UnmapAsync(address, Bytes / 2));
        Await(space.DisposeAsync().AsTask());
    }

    private static void UsePages(MemoryRuntime runtime)
    {
        using var memory = new PagedMemory(Bytes, new PagedMemoryOptions { ResidentBytes = 1 << 20, CompressedBytes = 2 * Bytes }, runtime);
        for (long at = 0; at < Bytes; at += AddressSpace.PageBytes)
        {
            memory.Write(at, at);
        }

        memory.Prefetch([0, AddressSpace.PageBytes]);
        for (long at = 0; at < Bytes; at += AddressSpace.PageBytes)
        {
            if (memory.Read<long>(at) != at)
            {
                throw new InvalidOperationException($"The page at {at} has changed.");
            }
        }
    }

    private static void UseCache(MemoryRuntime runtime)
    {
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = NativeCacheOptions.SizeLimitMin });
        for (int i = 0; i < 1000; i++)
        {
            cache.Set(BitConverter.GetBytes(i), new byte[10_000]);
        }
    }

    private static void UsePool(MemoryRuntime runtime)
    {
        using ZsPool pool = runtime.CreateZsPool();
        ZsHandle[] handles = [.. Enumerable.Range(0, 2000).Select(_ => pool.Alloc(1000))];
        Array.ForEach(handles, pool.Free);
    }

    private static void Await(Task task)
    {
        if (!task.Wait(s_timeout))
        {
            throw new TimeoutException("It does not end.");
        }
    }

    private static void Try(string what, Action action)
    {
        try
        {
            action();
        }
        catch (Exception problem)
        {
            Console.Out.WriteLine($"{what}: {problem.GetType().Name}: {(problem.InnerException ?? problem).Message.ReplaceLineEndings(" ")}");
        }
    }
}
