using System.Diagnostics.CodeAnalysis;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Teardown;
using Xunit;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>A runtime over a platform that writes down what goes back, with a floor so low that a few megabytes are much.</summary>
internal sealed unsafe class ReleaseFixture : IDisposable
{
    public const nuint MiB = 1 << 20;
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    [SuppressMessage("Reliability", "CA2000", Justification = "The test disposes the runtime.")]
    public ReleaseFixture(int maxActive = 2, bool? byArea = null)
    {
        Ledger = new FaultyPlatform();
        Platform = new ReleasingPlatform(Ledger) { ByArea = byArea };
        Runtime = new MemoryRuntime(
            new MemoryRuntimeOptions
            {
                // A string of its own, by which a listener of meters tells it from the runtimes of other tests.
                Name = new string("release test".AsSpan()),
                CapacityBytes = 128 << 20,
                BackgroundTrim = false,
                LargeRetainBytesMax = 16 << 20,
                Teardown = new TeardownOptions { InlineFloorBytes = 4 << 20, MaxActive = maxActive, StepTime = TimeSpan.FromMilliseconds(1) },
            },
            Platform,
            isShared: false);
    }

    /// <summary>Knows what was never given back.</summary>
    public FaultyPlatform Ledger { get; }

    public ReleasingPlatform Platform { get; }

    public MemoryRuntime Runtime { get; private set; }

    /// <summary>Lets go of the runtime without disposing it.</summary>
    public void Forget() => Runtime = null!;

    /// <summary>A heap with large blocks in use, one kept for reuse, and some slabs.</summary>
    public NativeHeap Filled(int blocks = 4)
    {
        NativeHeap heap = Runtime.CreateHeap();
        Fill(heap, blocks);
        return heap;
    }

    public static void Fill(NativeHeap heap, int blocks = 4)
    {
        for (int i = 0; i < blocks; i++)
        {
            Touch((byte*)heap.Alloc(8 * MiB), 8 * MiB);
        }

        void* kept = heap.Alloc(6 * MiB);
        Touch((byte*)kept, 6 * MiB);
        heap.Free(kept);
        for (int i = 0; i < 200; i++)
        {
            Touch((byte*)heap.Alloc(16 << 10), 16 << 10);
        }
    }

    /// <summary>Allocates a block and writes to each page of it.</summary>
    public static nint Alloc(NativeHeap heap, nuint bytes)
    {
        void* block = heap.Alloc(bytes);
        Touch((byte*)block, bytes);
        return (nint)block;
    }

    /// <summary>Frees a block.</summary>
    public static void Free(NativeHeap heap, nint block) => heap.Free((void*)block);

    /// <summary>Uses memory that can be mapped more than once.</summary>
    public void FillVmap(nuint bytes) => Touch((byte*)Runtime.Vmap.Alloc(bytes), bytes);

    /// <summary>Fails the test when the states do not add up at this moment.</summary>
    public RuntimeStatistics AssertAddsUp()
    {
        RuntimeStatistics now = Runtime.GetStatistics();
        Assert.Equal(now.CommittedBytes, now.InUseBytes + now.RetainedBytes + now.ReleasingBytes);
        Assert.Equal((long)now.OpenedBytes, MemoryRuntime.StatesOf(now).Sum(state => state.Bytes));
        Assert.Equal(now.ReleasingBytes, (ulong)now.Teardown.ReleasingBytes);
        return now;
    }

    /// <summary>Calls of the system that the calling thread makes in an action. What workers do meanwhile does not count.</summary>
    public int CallsHere(Action action)
    {
        int here = Environment.CurrentManagedThreadId;
        int calls = 0;
        Ledger.Entering = _ => calls += Environment.CurrentManagedThreadId == here ? 1 : 0;
        action();
        Ledger.Entering = null;
        return calls;
    }

    public void Dispose()
    {
        // A test that failed may have left it held, and must not be hidden by what looks on.
        Platform.Discarding = null;
        Platform.LetGo();
        Runtime.Dispose();
    }

    private static void Touch(byte* block, nuint bytes)
    {
        for (nuint at = 0; at < bytes; at += 4096)
        {
            block[at] = 1;
        }
    }
}
