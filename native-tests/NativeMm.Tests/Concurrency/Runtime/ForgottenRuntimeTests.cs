using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Buffers;
using Xunit;

namespace NativeMm.Tests.Concurrency.Runtime;

/// <summary>Runtimes that nobody disposes: they go with all their memory, but not before everything that lies in it.</summary>
[Collection(ForgottenBuffersCollection.Name)]
public sealed unsafe class ForgottenRuntimeTests
{

    [Theory]
    [InlineData(FrameAllocatorKind.LockFree, false)]
    [InlineData(FrameAllocatorKind.LockFree, true)]
    [InlineData(FrameAllocatorKind.Buddy, false)]
    public void A_runtime_that_was_used_goes(FrameAllocatorKind kind, bool trims)
    {
        var platform = new FaultyPlatform();
        WeakReference runtime = Forget(platform, kind, trims);
        AwaitNothingLeft(platform);
        Finalizers.RunUntil(() => !runtime.IsAlive);
    }

    [Fact]
    public void What_was_forgotten_with_it_goes_first()
    {
        var platform = new FaultyPlatform();
        ForgetWithOwners(platform);
        AwaitNothingLeft(platform);
    }

    [Fact]
    public void It_stays_as_long_as_somebody_has_one_of_its_parts()
    {
        var platform = new FaultyPlatform();
        foreach (Func<MemoryRuntime, object> partOf in new Func<MemoryRuntime, object>[]
        {
            runtime => runtime.Heap,
            runtime => runtime.CreateHeap(),
            runtime => runtime.Frames,
            runtime => runtime.Frames.Zone,
            runtime => runtime.Reporter,
            runtime => runtime.Migration,
            runtime => runtime.CreateZsPool(),
            runtime => new CompressedPageStore(runtime: runtime),
            runtime => new NativeBuffer<byte>(0, heap: runtime.Heap),
            runtime => new NativeMemoryPool(runtime.Heap),
            runtime => new Arena(runtime.Heap),
            runtime => new CachedFrameAllocator(runtime.Frames),
        })
        {
            (object part, WeakReference runtime) = KeepPart(platform, partOf);
            Finalizers.RunToEnd();
            Assert.True(runtime.IsAlive, part.GetType().Name);
            GC.KeepAlive(part);
        }
    }

    [Theory]
    [InlineData("small")]
    [InlineData("of another heap")]
    [InlineData("large")]
    [InlineData("checked")]
    [InlineData("frame")]
    public void It_stays_as_long_as_a_block_or_a_frame_is_in_use(string what)
    {
        var platform = new FaultyPlatform();
        byte* block = (byte*)ForgetAllBut(platform, what);
        int released = platform.Calls(PlatformCall.Release);
        for (int i = 0; i < 2; i++)
        {
            Finalizers.RunToEnd();
        }

        Assert.Equal(released, platform.Calls(PlatformCall.Release));
        Assert.Equal(7, *block);
    }

    [Fact]
    public void A_heap_that_outlives_its_runtimes_name_is_used_on_and_goes_then()
    {
        var platform = new FaultyPlatform();
        UsePart(platform);
        AwaitNothingLeft(platform);
    }

    [Fact]
    public void A_constructor_that_fails_leaves_nothing_to_finalize()
    {
        var platform = new FaultyPlatform();
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 1 }, platform, isShared: false));
        Finalizers.RunToEnd();
        platform.AssertNothingLeaked();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Forget(FaultyPlatform platform, FrameAllocatorKind kind, bool trims)
    {
        MemoryRuntime runtime = NewRuntime(platform, kind, trims);
        for (int i = 0; i < 1000; i++)
        {
            runtime.Heap.Free(runtime.Heap.Alloc((nuint)i * 100));
        }

        runtime.Heap.Free(runtime.Heap.Alloc(3 << 20));
        runtime.CreateZsPool().Alloc(100);
        return new WeakReference(runtime);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForgetWithOwners(FaultyPlatform platform)
    {
        // Finalizers run in any order: an owner's after its runtime's, too.
        for (int i = 0; i < 3; i++)
        {
            object first = new NativeBuffer<byte>(100, heap: NewRuntime(platform).Heap);
            MemoryRuntime runtime = NewRuntime(platform);
            var store = new CompressedPageStore(runtime: runtime);
            byte[] page = new byte[store.PageBytes];
            for (ulong key = 0; key < 20; key++)
            {
                Random.Shared.NextBytes(page.AsSpan(0, 1000));
                store.Store(key, page);
            }

            new Arena(runtime.Heap).Alloc(100);
            new NativeBufferWriter<int>(100, runtime.CreateHeap()).GetSpan(10);
            new NativeMemoryPool(runtime.Heap, recycleOwners: false).Rent(100);
            GC.KeepAlive(new Freeing(runtime.Heap));
            GC.KeepAlive(first);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (object Part, WeakReference Runtime) KeepPart(FaultyPlatform platform, Func<MemoryRuntime, object> partOf)
    {
        MemoryRuntime runtime = NewRuntime(platform);
        return (partOf(runtime), new WeakReference(runtime));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint ForgetAllBut(FaultyPlatform platform, string what)
    {
        MemoryRuntime runtime = NewRuntime(platform, isChecked: what == "checked");
        nint block = what switch
        {
            "of another heap" => (nint)runtime.CreateHeap().Alloc(20_000),
            "large" => (nint)runtime.Heap.Alloc(3 << 20),
            "frame" => TakeFrame(runtime),
            _ => (nint)runtime.Heap.Alloc(100),
        };
        *(byte*)block = 7;
        return block;
    }

    private static nint TakeFrame(MemoryRuntime runtime)
    {
        Assert.True(runtime.Frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn frame, out _));
        return (nint)runtime.Frames.Zone.AddressOf(frame);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UsePart(FaultyPlatform platform)
    {
        NativeHeap heap = ForgetRuntimeOf(platform);
        Finalizers.RunToEnd();
        for (int i = 0; i < 1000; i++)
        {
            byte* block = (byte*)heap.Alloc(1000);
            block[999] = 1;
            heap.Free(block);
        }

        heap.Validate();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static NativeHeap ForgetRuntimeOf(FaultyPlatform platform) => NewRuntime(platform).Heap;

    private static MemoryRuntime NewRuntime(
        FaultyPlatform platform, FrameAllocatorKind kind = FrameAllocatorKind.LockFree, bool trims = false, bool isChecked = false) => new(
        new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            FrameAllocator = kind,
            BackgroundTrim = trims,
            Checked = new() { Enabled = isChecked },
        },
        platform,
        isShared: false);

    private static void AwaitNothingLeft(FaultyPlatform platform)
    {
        Finalizers.RunUntil(() => Record.Exception(platform.AssertNothingLeaked) is null);
        platform.AssertNothingLeaked();
    }

    /// <summary>An owner of the program's own, whose finalizer frees by the public verb.</summary>
    private sealed class Freeing(NativeHeap heap)
    {
        private readonly nint _block = (nint)heap.Alloc(500);

        ~Freeing() => heap.Free((void*)_block);
    }
}
