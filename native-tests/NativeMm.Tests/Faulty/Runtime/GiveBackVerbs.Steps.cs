using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Teardown;

namespace NativeMm.Tests.Faulty.Runtime;

/// <content>So much memory, by a floor that is low, that it goes in steps and by several threads.</content>
internal sealed unsafe partial class GiveBackVerbs
{
    private static MemoryRuntime SteppedRuntime(GiveBackVerbs? owner)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            BackgroundTrim = false,
            LargeRetainBytesMax = 1 << 20,
            Teardown = new TeardownOptions { InlineFloorBytes = 1 << 20, MaxActive = 2 },
        });
        return owner is null ? runtime : owner.Own(runtime);
    }

    private Action FreeInSteps()
    {
        NativeHeap heap = SteppedRuntime(this).Heap;

        // A thread's first free makes its cache.
        FreeBlocks(heap)();
        var block = (nint)heap.AllocZeroed(16 << 20);
        return () => heap.Free((void*)block);
    }

    private static Action DisposeInSteps()
    {
        MemoryRuntime runtime = SteppedRuntime(owner: null);
        new Span<byte>(runtime.Heap.Alloc(16 << 20), 16 << 20).Fill(1);
        FreeBlocks(runtime.CreateHeap())();
        Used(runtime.Vmap);
        return runtime.Dispose;
    }
}
