using NativeMm.Heap;
using NativeMm.Runtime;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Configures the shared runtime before its first use, and once more behind it; prints what holds and what was said.</summary>
internal static unsafe class HeapConfigureScenario
{
    public static int Run(string[] arguments)
    {
        var options = new MemoryRuntimeOptions { CapacityBytes = 128 << 20, FrameAllocator = FrameAllocatorKind.Buddy, BackgroundTrim = false };
        MemoryRuntime.ConfigureShared(options);
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(100));
        Console.Out.WriteLine(ReferenceEquals(MemoryRuntime.Shared.Options, options));
        Console.Out.WriteLine(MemoryRuntime.Shared.GetStatistics().ReservedBytes);
        Console.Out.WriteLine(MemoryRuntime.Shared.Frames.GetType().Name);
        try
        {
            MemoryRuntime.ConfigureShared(options with { BackgroundTrim = true });
            return 3;
        }
        catch (InvalidOperationException e)
        {
            Console.Out.WriteLine(e.Message);
            return 0;
        }
    }
}
