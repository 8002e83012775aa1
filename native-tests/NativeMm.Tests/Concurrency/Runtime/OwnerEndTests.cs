using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Buffers;
using Xunit;

namespace NativeMm.Tests.Concurrency.Runtime;

/// <summary>Finalizers of forgotten owners, held up in the middle, beside the end of their heap and of its runtime.</summary>
[Collection(ForgottenBuffersCollection.Name)]
public sealed class OwnerEndTests
{
    private const int Bytes = 3 << 20;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("buffer", false)]
    [InlineData("buffer", true)]
    [InlineData("writer", false)]
    [InlineData("arena", false)]
    [InlineData("rent", false)]
    public void Dispose_waits_for_a_finalizer_that_is_inside(string owner, bool endsRuntime)
    {
        using var gate = new Rendezvous(s_timeout);
        var platform = new FaultyPlatform();
        MemoryRuntime runtime = NewRuntime(platform);
        NativeHeap heap = runtime.CreateHeap();
        platform.Entering = kind =>
        {
            // The first release is that of the forgotten block.
            if (kind == PlatformCall.Release)
            {
                platform.Entering = null;
                gate.Wait();
            }
        };
        Forget(owner, heap);
        Finalizers.CollectUntil(() => platform.Entering is null);
        gate.AwaitArrival();
        int released = platform.Calls(PlatformCall.Release);
        var disposer = new Thread(endsRuntime ? runtime.Dispose : heap.Dispose) { IsBackground = true };
        disposer.Start();
        Assert.True(SpinWait.SpinUntil(() => (disposer.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));
        Assert.False(disposer.Join(10));
        Assert.False(heap.IsDisposed);
        Assert.Equal(released, platform.Calls(PlatformCall.Release));
        gate.Release();
        Assert.True(disposer.Join(s_timeout));
        Finalizers.RunToEnd();
        runtime.Dispose();
        platform.AssertNothingLeaked();
    }

    [Theory]
    [InlineData("buffer")]
    [InlineData("writer")]
    [InlineData("arena")]
    [InlineData("rent")]
    public void A_finalizer_that_comes_after_the_end_does_nothing(string owner)
    {
        var platform = new FaultyPlatform();
        MemoryRuntime runtime = NewRuntime(platform);
        long forgotten = ForgottenBuffers.Count;
        EndBesideOwner(owner, runtime);
        platform.AssertNothingLeaked();
        Finalizers.RunUntil(() => ForgottenBuffers.Count > forgotten);
        platform.AssertNothingLeaked();
    }

    [Fact]
    public void A_finalizer_survives_the_mistakes_of_others()
    {
        using MemoryRuntime runtime = NewRuntime(new FaultyPlatform());
        FreeTwiceAndForget(runtime.Heap);
        Finalizers.RunToEnd();
    }

    private static MemoryRuntime NewRuntime(FaultyPlatform platform) =>
        new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, LargeRetainBytesMax = 0 }, platform, isShared: false);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(string owner, NativeHeap heap) => GC.KeepAlive(Make(owner, heap));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EndBesideOwner(string owner, MemoryRuntime runtime)
    {
        object made = Make(owner, runtime.Heap);
        runtime.Dispose();
        GC.KeepAlive(made);
    }

    private static unsafe object Make(string owner, NativeHeap heap)
    {
        switch (owner)
        {
            case "buffer":
                return new NativeBuffer<byte>(Bytes, heap: heap);
            case "writer":
                return new NativeBufferWriter<byte>(Bytes, heap);
            case "arena":
                var arena = new Arena(heap);
                arena.Alloc(Bytes);
                return arena;
            default:
                return new NativeMemoryPool(heap, recycleOwners: false).Rent(Bytes);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe void FreeTwiceAndForget(NativeHeap heap)
    {
        // The finalizer's thread frees a block twice, and then so many that its magazine overflows and the mistake is found.
        void* block = heap.Alloc(64 << 10);
        GC.KeepAlive(new Mistaken(heap, (nint)block));
    }

    private sealed unsafe class Mistaken(NativeHeap heap, nint block)
    {
        ~Mistaken()
        {
            for (int i = 0; i < 5000; i++)
            {
                heap.FreeForgotten((void*)block);
            }
        }
    }
}
