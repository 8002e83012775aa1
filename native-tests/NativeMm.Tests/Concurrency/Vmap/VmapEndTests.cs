using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>How an allocator ends: beside finalizers, forgotten, and beside its own making.</summary>
public sealed unsafe class VmapEndTests
{
    private const nuint Page = Pfn.FrameBytes;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dispose_waits_for_a_finalizer_that_is_giving_a_range_back(bool isMap)
    {
        using var gate = new Rendezvous(s_timeout);
        var platform = new FaultyPlatform();

        // No free but one that meets the bound purges.
        var bound = new LazyPurgePolicy
        {
            Executor = PurgeExecutor.Caller,
            Trigger = PurgeTrigger.PagesAndPieces,
            LazyPiecesMax = LazyPurgePolicy.PiecesLimit,
        };
        var vmap = new VmapAllocator(Options() with { LazyBytesMax = 8 * Page, PooledBytesMaxPerCore = 0, Purge = bound }, platform);
        Pfn[] frames = new Pfn[1];
        vmap.AllocateFrames(frames);
        nuint range = isMap ? (nuint)vmap.Map(frames) : (nuint)vmap.Alloc(Page);
        vmap.Free(vmap.Alloc(8 * Page));
        platform.Entering = kind =>
        {
            if (kind == PlatformCall.Revoke)
            {
                platform.Entering = null;
                gate.Wait();
            }
        };

        // At the bound a free purges by itself, and stops in there.
        Thread finalizer = Start(() => MappedRange.Release(vmap, range, isMap, frames, forgottenBytes: Page));
        gate.AwaitArrival();
        int released = platform.Calls(PlatformCall.Release);
        Thread disposer = Start(vmap.Dispose);
        AwaitWaitingOrEnd(disposer);
        Assert.Equal(released, platform.Calls(PlatformCall.Release));
        gate.Release();
        Assert.True(finalizer.Join(s_timeout) && disposer.Join(s_timeout));
        platform.AssertNothingLeaked();

        // One that comes later finds nothing to do.
        MappedRange.Release(vmap, range, isMap, frames, forgottenBytes: Page);
    }

    [LinuxFact]
    public void Dispose_waits_for_a_trim_and_lets_nobody_else_in()
    {
        using var gate = new Rendezvous(s_timeout);
        var platform = new FaultyPlatform();
        var vmap = new VmapAllocator(Options(), platform);
        vmap.Free(vmap.Alloc(Page));
        platform.Entering = kind =>
        {
            if (kind == PlatformCall.Revoke)
            {
                platform.Entering = null;
                gate.Wait();
            }
        };
        Exception? problem = null;
        Thread trimmer = Start(() => problem = Record.Exception(() => vmap.Trim()));
        gate.AwaitArrival();
        int released = platform.Calls(PlatformCall.Release);
        Thread disposer = Start(vmap.Dispose);
        AwaitWaitingOrEnd(disposer);
        Assert.True(disposer.IsAlive, "The window is gone while somebody trims.");
        Assert.Equal(released, platform.Calls(PlatformCall.Release));
        Assert.Throws<ObjectDisposedException>(vmap.GetStatistics);
        Assert.Throws<ObjectDisposedException>(vmap.GetAreas);
        Assert.Throws<ObjectDisposedException>(() => _ = vmap.FindArea(null) is null);
        Assert.Throws<ObjectDisposedException>(() => vmap.Read(null, new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => vmap.Trim());
        Assert.Throws<ObjectDisposedException>(() => vmap.Purge());
        Assert.Throws<ObjectDisposedException>(vmap.UnmapAliases);
        Assert.Throws<ObjectDisposedException>(vmap.Validate);
        Assert.Equal(0UL, vmap.Shrink(1));
        gate.Release();
        Assert.True(trimmer.Join(s_timeout) && disposer.Join(s_timeout));
        Assert.Null(problem);
        platform.AssertNothingLeaked();
    }

    [LinuxTheory]
    [InlineData(PurgeExecutor.Caller)]
    [InlineData(PurgeExecutor.Worker)]
    public void A_forgotten_allocator_goes_with_all_its_memory(PurgeExecutor executor)
    {
        var platform = new FaultyPlatform();
        Forget(platform, executor, inUse: false);
        AwaitNothingLeft(platform);
    }

    [LinuxFact]
    public void A_forgotten_allocator_stays_as_long_as_a_range_is_in_use()
    {
        var platform = new FaultyPlatform();
        byte* range = (byte*)Forget(platform, PurgeExecutor.Caller, inUse: true);
        int released = platform.Calls(PlatformCall.Release);
        for (int i = 0; i < 3; i++)
        {
            Collect();
        }

        Assert.Equal(7, range[Page]);
        Assert.Equal(released, platform.Calls(PlatformCall.Release));
    }

    [LinuxFact]
    public void Forgotten_buffers_let_their_forgotten_runtimes_allocator_go()
    {
        var platform = new FaultyPlatform();
        ForgetBuffers(platform);
        AwaitNothingLeft(platform);
    }

    [LinuxFact]
    public void A_constructor_that_fails_leaves_nothing_to_finalize()
    {
        var platform = new FaultyPlatform();
        Assert.Throws<InvalidOperationException>(() => Make(platform));
        Assert.Throws<ArgumentOutOfRangeException>(() => new VmapAllocator(new VmapOptions { CapacityBytes = 1 }, platform));
        platform.AssertNothingLeaked();
        Collect();

        static void Make(FaultyPlatform platform) =>
            _ = new VmapAllocator(Options(), platform, makeLazySet: _ => throw new InvalidOperationException("no set"));
    }

    [LinuxFact]
    public void Dispose_of_a_runtime_waits_for_an_allocator_that_is_being_made()
    {
        using var gate = new Rendezvous(s_timeout);
        var platform = new FaultyPlatform();
        var runtime = new MemoryRuntime(
            new MemoryRuntimeOptions { CapacityBytes = 64 << 20, Vmap = Options(), BackgroundTrim = false }, platform, isShared: false);
        platform.Entering = kind =>
        {
            if (kind == PlatformCall.CreateMemoryFile)
            {
                gate.Wait();
            }
        };
        Thread maker = Start(() => _ = runtime.Vmap);
        gate.AwaitArrival();
        Thread disposer = Start(runtime.Dispose);
        AwaitWaitingOrEnd(disposer);
        gate.Release();
        Assert.True(maker.Join(s_timeout) && disposer.Join(s_timeout));
        platform.AssertNothingLeaked();
    }

    private static VmapOptions Options(PurgeExecutor executor = PurgeExecutor.Caller) => new()
    {
        CapacityBytes = 8 << 20,
        WindowBytes = 64 << 20,
        PooledBytesMaxPerCore = 1 << 20,
        Purge = new LazyPurgePolicy { Executor = executor },
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nuint Forget(FaultyPlatform platform, PurgeExecutor executor, bool inUse)
    {
        var vmap = new VmapAllocator(Options(executor), platform);
        vmap.Free(vmap.Alloc(3 * Page));
        vmap.Free(vmap.Alloc(300 * Page));
        if (!inUse)
        {
            return 0;
        }

        byte* range = (byte*)vmap.Alloc(2 * Page);
        range[Page] = 7;
        return (nuint)range;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForgetBuffers(FaultyPlatform platform)
    {
        // The finalizers run in any order: a buffer's after its allocator's, too.
        for (int i = 0; i < 4; i++)
        {
            var vmap = new VmapAllocator(Options(), platform);
            GC.KeepAlive(new Forgotten(vmap, (nuint)vmap.Alloc(Page)));
        }
    }

    private static void AwaitNothingLeft(FaultyPlatform platform)
    {
        bool isLeft = true;
        for (int i = 0; i < 50 && isLeft; i++)
        {
            Collect();
            isLeft = Record.Exception(platform.AssertNothingLeaked) is not null;
        }

        platform.AssertNothingLeaked();
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private static void AwaitWaitingOrEnd(Thread thread) =>
        Assert.True(SpinWait.SpinUntil(() => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));

    private sealed class Forgotten(VmapAllocator vmap, nuint address)
    {
        ~Forgotten() => MappedRange.Release(vmap, address, isMap: false, [], forgottenBytes: Page);
    }
}
