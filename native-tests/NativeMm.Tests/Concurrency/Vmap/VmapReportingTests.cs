using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>Free frames of a mappable zone go back by way of the reporter, and nobody is refused what is only on its way.</summary>
public sealed unsafe class VmapReportingTests
{
    private const nuint Page = Pfn.FrameBytes;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    // Everything at once, and from one free block on.
    private static readonly PageReporterOptions s_eager = new() { Delay = TimeSpan.Zero, HighWaterBlocks = 1, BudgetDivisor = 1 };

    [LinuxTheory]
    [InlineData("Alloc")]
    [InlineData("AllocateFrames")]
    [InlineData("Realloc")]
    public void A_request_waits_for_frames_that_are_under_report(string what)
    {
        using var gate = new Rendezvous(s_timeout);
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(s_eager), platform);
        void* range = vmap.Alloc(30 << 20);
        new Span<byte>(range, 30 << 20).Fill(1);
        vmap.Free(range);
        platform.Entering = kind =>
        {
            if (kind == PlatformCall.PunchHole)
            {
                platform.Entering = null;
                gate.Wait();
            }
        };
        Thread trimmer = Start(() => vmap.Trim());
        gate.AwaitArrival();
        Assert.True(vmap.GetStatistics().Frames.IsolatedFrames > 0);
        Exception? problem = null;
        Thread asking = Start(() => problem = Record.Exception(() => Ask(vmap, what)));
        Assert.True(SpinWait.SpinUntil(() => (asking.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, s_timeout));
        gate.Release();
        Assert.True(asking.Join(s_timeout) && trimmer.Join(s_timeout));
        Assert.Null(problem);
        vmap.Purge(pools: true);
        vmap.Validate();
    }

    [LinuxFact]
    public void Nobody_is_refused_beside_trims_when_nothing_else_is_in_use()
    {
        using var vmap = new VmapAllocator(Options(new PageReporterOptions()));
        int trims = 0;
        StartGate.RunBeside(1, _ => AllocateAndFree(), 1, (_, goesOn) =>
        {
            while (goesOn())
            {
                vmap.Trim();
                Interlocked.Increment(ref trims);
            }
        });
        vmap.Validate();

        void AllocateAndFree()
        {
            for (int round = 0; round < 200 || Volatile.Read(ref trims) < 10; round++)
            {
                // Three quarters of the zone, with a byte in each block of 2 MiB so that there is something to give back.
                byte* range = (byte*)vmap.Alloc(24 << 20);
                for (int at = 0; at < 24 << 20; at += 2 << 20)
                {
                    range[at] = 1;
                }

                vmap.Free(range);
            }
        }
    }

    [LinuxFact]
    public void The_frames_of_a_runtimes_ranges_go_back_by_the_pace_of_the_runtime()
    {
        var platform = new FaultyPlatform();
        var options = new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, Vmap = Options(null), Reporting = s_eager };
        using var runtime = new MemoryRuntime(options, platform, isShared: false);
        Use(runtime.Vmap, 8);
        Assert.Same(s_eager, runtime.Vmap.Reporter.Options);
        runtime.TrimIdle(heaps: true, frames: false);
        Assert.Equal(0, platform.Calls(PlatformCall.PunchHole));
        runtime.TrimIdle(heaps: false, frames: true);
        runtime.TrimIdle(heaps: false, frames: true);
        runtime.TrimIdle(heaps: false, frames: true);
        RuntimeStatistics now = runtime.GetStatistics();
        Assert.True(platform.Calls(PlatformCall.PunchHole) > 0);
        Assert.True(now.Vmap!.Reporting.ReportedBytes >= 8 << 20, now.Vmap.Reporting.ToString());
        Assert.Equal(now.Vmap.Reporting.ReportedBytes, now.ReturnedBytes);
        Assert.Equal(now.Vmap.Frames.FreeFrames, now.Vmap.Frames.ReportedFrames);
        runtime.Validate();
    }

    [LinuxFact]
    public void What_is_in_use_now_and_then_stays_resident()
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(new PageReporterOptions { Delay = TimeSpan.FromHours(1) }), platform);
        Use(vmap, 16);
        for (int pass = 0; pass < 10; pass++)
        {
            vmap.TrimIdle();
            vmap.PollReporter();
        }

        Assert.Equal(0, platform.Calls(PlatformCall.PunchHole));
        Assert.True(vmap.Trim() >= 16 << 20);
        Assert.True(platform.Calls(PlatformCall.PunchHole) > 0);
    }

    [LinuxFact]
    public void Frames_that_went_back_are_known_to_be_zero()
    {
        using var vmap = new VmapAllocator(Options(null));
        Use(vmap, 16);
        vmap.Trim();
        Assert.True(vmap.Frames.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out Pfn block, out bool knownZero));
        vmap.Frames.Free(block, Order.Huge);
        Assert.True(knownZero);
    }

    [LinuxFact]
    public void A_device_of_the_program_takes_the_place_of_the_first()
    {
        using var vmap = new VmapAllocator(Options(s_eager));
        var device = new TrimmingDevice(vmap);
        vmap.Reporter.Unregister(vmap.Reporter.Device!);
        vmap.Reporter.Register(device);
        Assert.Throws<InvalidOperationException>(vmap.Reporter.Dispose);
        Use(vmap, 8);
        vmap.Trim();
        Assert.True(device.Calls > 0);
        Assert.IsType<InvalidOperationException>(device.Refusal);
        vmap.Validate();
    }

    [Fact]
    public void A_zone_of_ordinary_memory_has_no_file_to_punch()
    {
        using var vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 16 << 20 }, new PortablePlatform());
        Assert.Throws<ArgumentException>(() => new PunchHoleDevice(vmap.Zone));
        vmap.Free(vmap.Alloc(1 << 20));
        _ = vmap.Trim();
        vmap.Validate();
    }

    private static VmapOptions Options(PageReporterOptions? reporting) => new()
    {
        CapacityBytes = 32 << 20,
        WindowBytes = 128 << 20,
        PooledBytesMaxPerCore = 0,
        Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        Reporting = reporting,
    };

    private static void Use(VmapAllocator vmap, int megabytes)
    {
        nuint bytes = (nuint)megabytes << 20;
        void* range = vmap.Alloc(bytes);
        new Span<byte>(range, (int)bytes).Fill(1);
        vmap.Free(range);
        vmap.Purge();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    private static void Ask(VmapAllocator vmap, string what)
    {
        switch (what)
        {
            case "Alloc":
                vmap.Free(vmap.Alloc(28 << 20));
                break;
            case "AllocateFrames":
                Pfn[] frames = new Pfn[7000];
                vmap.AllocateFrames(frames);
                vmap.FreeFrames(frames);
                break;
            default:
                vmap.Free(vmap.Realloc(vmap.Alloc(Page), 28 << 20));
                break;
        }
    }

    private static Thread Start(ThreadStart work)
    {
        var thread = new Thread(work) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private sealed class TrimmingDevice(VmapAllocator vmap) : IReportingDevice
    {
        public int Calls { get; private set; }

        public Exception? Refusal { get; private set; }

        public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
        {
            Calls++;
            Assert.Equal(0ul, vmap.Trim());
            Refusal = Record.Exception(vmap.Dispose);
            return FrameContent.Reported;
        }
    }
}
