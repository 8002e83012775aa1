using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Teardown;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>What a plugin does with the library. Called in a load context of its own.</summary>
public static unsafe class LoadContextWork
{
    private static readonly List<object> s_kept = [];

    /// <summary>Uses the shared heap, and leaves blocks behind.</summary>
    public static void UseShared(ulong zoneBytes)
    {
        MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { CapacityBytes = zoneBytes });
        for (int i = 0; i < 1000; i++)
        {
            void* block = NativeHeap.Shared.Alloc(1000);
            if (i % 2 == 0)
            {
                NativeHeap.Shared.Free(block);
            }
        }

        new Thread(() => NativeHeap.Shared.Alloc(3 << 20)).Start();
        s_kept.Add(new Freeing());
    }

    /// <summary>Keeps a runtime of its own in a static field, with its thread and that of its mapped ranges.</summary>
    public static void KeepRuntime(ulong zoneBytes)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = zoneBytes });
        runtime.Heap.TryAlloc(100, out _);
        s_kept.Add(runtime);
        s_kept.Add(new MappedBuffer(1 << 20, runtime: runtime));
    }

    /// <summary>Forgets a runtime and what stands on it.</summary>
    public static void ForgetOwners(ulong zoneBytes)
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = zoneBytes });
        new NativeBuffer<byte>(1000, heap: runtime.Heap).Span.Fill(1);
        new CompressedPageStore(runtime: runtime).Store(1, new byte[4096]);
    }

    /// <summary>Keeps owners of memory of the shared heap in a static field.</summary>
    public static void KeepOwners(ulong zoneBytes)
    {
        MemoryRuntime.ConfigureShared(new MemoryRuntimeOptions { CapacityBytes = zoneBytes });
        s_kept.Add(new NativeBuffer<byte>(1000));
        s_kept.Add(NativeMemoryPool.Default.Rent(100));
        var arena = new Arena();
        arena.Alloc(100);
        s_kept.Add(arena);
        s_kept.Add(new CompressedPageStore());
    }

    /// <summary>Leaves releases under way in the background: of a heap and of a range of a space, which are kept, and of a runtime that nobody knows any more.</summary>
    public static void LeaveReleases(ulong zoneBytes)
    {
        var options = new MemoryRuntimeOptions { CapacityBytes = zoneBytes, Teardown = new TeardownOptions { MaxActive = 2, InlineFloorBytes = 1 << 20 } };
        var kept = new MemoryRuntime(options);
        NativeHeap heap = kept.CreateHeap();
        Fill(heap);
        AddressSpace space = kept.CreateAddressSpace();
        const long Length = 64 << 20;
        long mapped = space.Map(Length, Protection.ReadWrite);
        for (long at = mapped; at < mapped + Length; at += 64 << 10)
        {
            space.Write(at, at);
        }

        var ended = new MemoryRuntime(options);
        Fill(ended.Heap);
        s_kept.Add(kept);
        s_kept.Add(space);
        s_kept.Add(heap.DisposeAsync().AsTask());
        s_kept.Add(space.UnmapAsync(mapped, Length));
        _ = ended.DisposeAsync().AsTask();
    }

    private static void Fill(NativeHeap heap)
    {
        for (int i = 0; i < 16; i++)
        {
            new Span<byte>(heap.Alloc(8 << 20), 8 << 20).Fill(1);
        }
    }

    private sealed class Freeing
    {
        private readonly nint _block = (nint)NativeHeap.Shared.Alloc(500);

        ~Freeing() => NativeHeap.Shared.Free((void*)_block);
    }
}
