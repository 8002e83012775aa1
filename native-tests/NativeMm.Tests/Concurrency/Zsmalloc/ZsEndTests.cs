using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using NativeMm.Zsmalloc;
using Xunit;
using Compacted = NativeMm.Zsmalloc.ZsAllocator<
    NativeMm.Zsmalloc.PerClassLocking, NativeMm.Primitives.NoLockStatistics, NativeMm.Tests.Concurrency.Zsmalloc.ZsIntruder>;
using Counted = NativeMm.Zsmalloc.ZsAllocator<
    NativeMm.Zsmalloc.PerClassLocking, NativeMm.Tests.Concurrency.Zsmalloc.ZsHeldLock, NativeMm.Primitives.NoPause>;

namespace NativeMm.Tests.Concurrency.Zsmalloc;

/// <summary>The end of a pool beside those who count and check.</summary>
public sealed class ZsEndTests : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);
    private static readonly ZsPoolOptions s_options = new() { AutoCompact = false, Stripes = 1 };

    private readonly FrameFixture _frames = new(FrameVariant.LockFree, 4);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_end_waits_for_whoever_counts(bool byClass)
    {
        using var gate = new Rendezvous(s_timeout);
        var allocator = new Counted(_frames.Allocator, s_options);
        Assert.True(allocator.TryAlloc(200, out _));
        Exception? problem = null;
        Thread exporter = Start(() =>
        {
            ZsHeldLock.Enter(gate.Wait);
            problem = Record.Exception(() => _ = byClass ? allocator.GetClassStatistics().Count : allocator.GetStatistics().Objects);
        });
        gate.AwaitArrival();
        Thread disposer = Start(() => allocator.Release());
        AwaitWaitingOrEnd(disposer);
        Assert.True(disposer.IsAlive, "The tables are gone while somebody counts.");
        Assert.NotEqual(0u, _frames.Allocator.GetStatistics().AllocatedFrames);
        gate.Release();
        Assert.True(exporter.Join(s_timeout) && disposer.Join(s_timeout));
        Assert.Null(problem);
    }

    [Fact]
    public void Who_comes_when_the_end_has_begun_is_refused()
    {
        using var gate = new Rendezvous(s_timeout);
        var allocator = new Compacted(_frames.Allocator, s_options);
        var objects = new List<ZsHandle>();
        while (allocator.TryAlloc(200, out ZsHandle handle))
        {
            objects.Add(handle);
        }

        for (int i = 0; i < objects.Count; i += 2)
        {
            allocator.Free(objects[i]);
        }

        // The end waits for a compactor that stands still between two objects, without a lock.
        Thread compactor = Start(() =>
        {
            ZsIntruder.Enter(Compacted.PauseBetweenObjects, gate.Wait);
            allocator.Compact();
        });
        gate.AwaitArrival();
        Thread disposer = Start(() => allocator.Release());
        AwaitWaitingOrEnd(disposer);
        Assert.True(disposer.IsAlive);
        Exception[] refusals =
        [
            Record.Exception(allocator.GetStatistics),
            Record.Exception(allocator.GetClassStatistics),
            Record.Exception(allocator.GetLockStatistics),
            Record.Exception(allocator.Validate),
        ];
        Assert.False(allocator.TryBeginRest());
        gate.Release();
        Assert.True(compactor.Join(s_timeout) && disposer.Join(s_timeout));
        Assert.NotEmpty(refusals);
        Assert.All(refusals, refusal => Assert.Contains(nameof(ZsPool), Assert.IsType<ObjectDisposedException>(refusal).Message, StringComparison.Ordinal));
    }

    public void Dispose()
    {
        Assert.Equal(0u, _frames.Allocator.GetStatistics().AllocatedFrames);
        _frames.Dispose();
    }

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static void AwaitWaitingOrEnd(Thread thread) =>
        Assert.True(SpinWait.SpinUntil(() => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));
}
