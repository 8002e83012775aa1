using System.Globalization;
using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// Lives under a limit of the system and uses a bit of everything. Arguments: the limit (file, address, lock, files or refused), and its value in bytes; for address that is what
/// is left above what the process has, and so for refused, which sets it when the library is in use already. A line for each thing that failed, and a last one with the zone's capacity in MiB and the growth of the resident
/// memory in MiB.
/// </summary>
internal static unsafe class LimitsScenario
{
    private const int FileSize = 1;
    private const int OpenFiles = 7;
    private const int AddressSpace = 9;
    private const int LockCurrent = 1;
    private const int LockFuture = 2;

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static int Run(string[] arguments)
    {
        ulong value = ulong.Parse(arguments[1], CultureInfo.InvariantCulture);
        if (!ProcessMemory.ReadUsage(out ProcessMemoryUsage usage).Succeeded)
        {
            return 3;
        }

        switch (arguments[0])
        {
            case "file":
                SetLimit(FileSize, value);
                break;
            case "address":
                SetLimit(AddressSpace, usage.Virtual + value);
                break;
            case "again":
                SetLimit(AddressSpace, usage.Virtual + value);
                return RunAgain();
            case "files":
                return RunWithoutFiles(value);
            case "refused":
                return RunRefused(value);
            default:
                MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { CapacityBytes = value });
                break;
        }

        Try("block", () => NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100)));
        ulong before = Resident();
        if (arguments[0] == "lock" && LibC.SystemCall(IsArm64 ? 230 : 151, LockCurrent | LockFuture, 0, 0, 0, 0) != 0)
        {
            Console.Out.WriteLine("locking is not allowed");
            return 4;
        }

        Try("more", () => NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100 << 10)));
        Try("large block", () => NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(10 << 20)));
        Try("threads", StartThreads);
        if (arguments[0] != "lock")
        {
            Try("ring", () => new MirroredRingBuffer(64 << 10).Dispose());
        }

        Console.Out.WriteLine($"{MemoryRuntime.Shared.Frames.Zone.Bytes >> 20} {(long)(Resident() - before) >> 20}");
        return 0;
    }

    /// <summary>The first use of the shared heap fails, for want of addresses; the next one, with other options, does not.</summary>
    private static int RunAgain()
    {
        MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { CapacityBytes = 1UL << 40 });
        NativeHeap kept = NativeHeap.Shared;
        Try("first", () => kept.Alloc(100));
        Try("pool", () => NativeMemoryPool.Default.Rent());
        Try("runtime", () => _ = MemoryRuntime.Shared);
        MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        var blocks = new nint[2000];
        NativeHeap.Shared.AllocBulk(1000, blocks);
        var other = new Thread(() => NativeHeap.Shared.FreeBulk(blocks));
        other.Start();
        other.Join();
        NativeMemoryPool.Default.Rent().Dispose();
        using (var heap = new NativeHeap())
        {
            heap.Free(heap.Realloc(heap.AllocZeroed(100), 100_000));
        }

        void* large = NativeHeap.Shared.Alloc(10 << 20);
        NativeHeap.Shared.Free(NativeHeap.Shared.AllocZeroed(100));
        NativeHeap.Shared.Free(large);
        NativeHeap.Shared.Dispose();
        MemoryRuntime.Shared.Trim();
        MemoryRuntime.Shared.Validate();
        Try("kept", () => kept.Free(kept.Alloc(100)));
        Try("kept, too", () => kept.TryAlloc(100, out _));
        Console.Out.WriteLine(
            $"{ReferenceEquals(NativeHeap.Shared, MemoryRuntime.Shared.Heap)} {NativeHeap.Shared.Name} {MemoryRuntime.Shared.Frames.Zone.Bytes >> 20} {NativeHeap.Shared.GetStatistics().Classes.Sum(row => row.LiveBlocks)}");
        return 0;
    }

    /// <summary>Whatever needs a file is refused.</summary>
    private static int RunWithoutFiles(ulong files)
    {
        // All code that is needed is there before.
        UseFiles("no-folder");
        SetLimit(OpenFiles, files);
        UseFiles(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));
        return 0;
    }

    private static void UseFiles(string path)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = MemoryRuntimeOptions.CapacityBytesMin });
        string missing = Path.Combine(path, "x");
        Try("paged", () => new PagedMemory(8 << 20, new PagedMemoryOptions { FileBytes = 8 << 20, FilePath = path == "no-folder" ? missing : path }, runtime).Dispose());
        Try("ring", () => new MirroredRingBuffer(64 << 10, runtime).Dispose());
        Try("heap", () => runtime.Heap.Free(runtime.Heap.Alloc(100)));
    }

    /// <summary>A zone whose bookkeeping does not fit what is left, and a block that does not.</summary>
    private static int RunRefused(ulong left)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 1UL << 40, BackgroundTrim = false });

        // Code is compiled ahead: that takes mappings.
        runtime.Heap.Free(runtime.Heap.Alloc(16 << 20));
        runtime.CreateZsPool().Dispose();
        runtime.CreateAddressSpace().Dispose();
        _ = ProcessMemory.ReadUsage(out ProcessMemoryUsage usage);
        SetLimit(AddressSpace, usage.Virtual + left);
        Try("block", () => runtime.Heap.Alloc(4 * (nuint)left));
        Try("pool", () => runtime.CreateZsPool().Dispose());
        Try("space", () => runtime.CreateAddressSpace().Dispose());
        return 0;
    }

    private static ulong Resident() => ProcessMemory.ReadResident(out ulong bytes).Succeeded ? bytes : 0;

    private static void StartThreads()
    {
        using var gate = new ManualResetEventSlim();
        Thread[] threads = [.. Enumerable.Range(0, 10).Select(_ => new Thread(() => gate.Wait(TimeSpan.FromSeconds(30))))];
        Array.ForEach(threads, thread => thread.Start());
        gate.Set();
        Array.ForEach(threads, thread => thread.Join());
    }

    private static void Try(string what, Action action)
    {
        try
        {
            action();
        }
        catch (Exception problem)
        {
            Console.Out.WriteLine($"{what}: {problem.GetType().Name}: {(problem.InnerException ?? problem).Message}");
        }
    }

    private static void SetLimit(int resource, ulong value)
    {
        ulong* limits = stackalloc ulong[2];
        (limits[0], limits[1]) = (value, value);
        _ = LibC.SystemCall(IsArm64 ? 261 : 302, 0, resource, (nint)limits, 0, 0);
    }
}
