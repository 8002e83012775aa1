using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Concurrency.Zsmalloc;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Concurrency.Frames;

/// <summary>The end of a frame allocator beside those who count and check.</summary>
public sealed class FrameEndTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(FrameVariant.LockFree)]
    [InlineData(FrameVariant.Buddy)]
    [InlineData(FrameVariant.LockFreeCached)]
    public void Who_comes_when_the_end_has_begun_is_refused(FrameVariant variant)
    {
        var platform = new FaultyPlatform();
        Assert.True(FrameZone.TryCreate(platform, ZoneKind.Normal, 64 << 20, out FrameZone? zone).Succeeded);
        IFrameAllocator[] chain = FrameVariants.Create(variant, zone!);
        IFrameAllocator frames = chain[0];
        Assert.True(frames.TryAllocate(Order.Zero, FrameFlags.None, out Pfn held, out _));
        var problems = new List<Exception?>();
        platform.Entering = kind =>
        {
            // The bookkeeping is about to go.
            if (kind == PlatformCall.Release && problems.Count == 0)
            {
                problems.Add(Record.Exception(frames.GetStatistics));
                problems.Add(Record.Exception(frames.Validate));
                problems.Add(Record.Exception(() => frames.Drain()));
            }
        };
        frames.Dispose();
        Assert.Equal(3, problems.Count);
        Assert.All(problems, problem => Assert.IsType<ObjectDisposedException>(problem));

        // Also on the thread that has a stack of frames there.
        Assert.Throws<ObjectDisposedException>(() => frames.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));
        Assert.Throws<ObjectDisposedException>(() => frames.AllocateBulk(Order.Zero, FrameFlags.None, new Pfn[2]));
        Assert.Throws<ObjectDisposedException>(() => frames.Free(held, Order.Zero));
        Assert.Throws<ObjectDisposedException>(() => frames.FreeBulk([held], Order.Zero));
        Array.ForEach(chain, allocator => allocator.Dispose());
        zone!.Dispose();
        platform.AssertNothingLeaked();
    }

    [Fact]
    public void The_end_waits_for_whoever_counts()
    {
        using var gate = new Rendezvous(s_timeout);
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 64 << 20, out FrameZone? zone).Succeeded);
        var frames = new BuddyAllocator<ZsHeldLock>(zone!, perCorePages: true);
        Exception? problem = null;
        Thread exporter = Start(() =>
        {
            ZsHeldLock.Enter(gate.Wait);
            problem = Record.Exception(frames.GetStatistics);
        });
        gate.AwaitArrival();
        Thread disposer = Start(frames.Dispose);
        Assert.True(SpinWait.SpinUntil(() => (disposer.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));
        Assert.True(disposer.IsAlive, "The lists are gone while somebody counts.");
        gate.Release();
        Assert.True(exporter.Join(s_timeout) && disposer.Join(s_timeout));
        Assert.Null(problem);
        zone!.Dispose();
    }

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
