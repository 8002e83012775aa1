using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Faulty.Heap;

/// <summary>The platform refuses each call of a workload in turn, once, and from there on: nothing is lost, and what fails is out of memory.</summary>
public sealed class HeapFaultyPlatformTests
{
    // A refusal to release what was reserved is a broken invariant, not a result.
    public static TheoryData<PlatformCall, FrameAllocatorKind> Calls
    {
        get
        {
            var calls = new TheoryData<PlatformCall, FrameAllocatorKind>();
            foreach (PlatformCall call in (PlatformCall[])[PlatformCall.Reserve, PlatformCall.Resize, PlatformCall.Discard, PlatformCall.DiscardMany])
            {
                calls.Add(call, FrameAllocatorKind.LockFree);
                calls.Add(call, FrameAllocatorKind.Buddy);
            }

            return calls;
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void Whatever_call_of_a_workload_fails_nothing_is_lost(PlatformCall call, FrameAllocatorKind kind)
    {
        (int calls, int refused) = Run(call, kind, failing: 0, times: 0);
        Assert.True(calls > 0, $"The workload never calls {call}: the test shows nothing.");
        Assert.Equal(0, refused);
        for (int n = 1; n <= calls; n++)
        {
            Run(call, kind, n, times: 1);
            Run(call, kind, n, times: int.MaxValue);
        }
    }

    [Fact]
    public void Without_memory_for_a_threads_cache_blocks_still_come_and_go()
    {
        using var fixture = new HeapFixture();
        fixture.Platform.FailCall(1, kind: PlatformCall.Reserve, times: int.MaxValue);
        Assert.True(TryAlloc(fixture, out nint block));
        Free(fixture, block);
        Assert.True(fixture.Platform.Failures >= 2);
        Assert.Equal(0, fixture.Heap.GetStatistics().ThreadCaches);
        Assert.Equal(0, fixture.LiveBlocks);
        Assert.Throws<NativeMm.Diagnostics.MemoryFaultException>(() => Free(fixture, block));
        fixture.Platform.FailNothing();
        Assert.True(TryAlloc(fixture, out block));
        Free(fixture, block);
        Assert.Equal(1, fixture.Heap.GetStatistics().ThreadCaches);
    }

    private static unsafe bool TryAlloc(HeapFixture fixture, out nint block)
    {
        bool got = fixture.Heap.TryAlloc(64, out void* address);
        block = (nint)address;
        return got;
    }

    private static unsafe void Free(HeapFixture fixture, nint block) => fixture.Heap.Free((void*)block);

    private static (int Calls, int Refused) Run(PlatformCall call, FrameAllocatorKind kind, int failing, int times)
    {
        using var fixture = new HeapFixture(64 << 20, kind);
        int before = fixture.Platform.Calls(call);
        if (failing > 0)
        {
            fixture.Platform.FailCall(failing, kind: call, times: times);
        }

        var script = new HeapScript(fixture);
        script.Run();
        int calls = fixture.Platform.Calls(call) - before;
        fixture.Runtime.Validate();
        fixture.Platform.FailNothing();
        script.Finish();
        fixture.Runtime.Validate();
        Assert.Equal(0, fixture.LiveBlocks);
        fixture.Runtime.Trim();
        Assert.Equal(0u, fixture.AllocatedFrames);
        return (calls, script.Refused);
    }
}
