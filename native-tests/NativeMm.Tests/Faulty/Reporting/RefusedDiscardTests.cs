using System.Globalization;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Faulty.Reporting;

/// <summary>The operating system refuses what the device asks of it: as a whole, or after it did a part.</summary>
public sealed unsafe class RefusedDiscardTests
{
    private const int CapacityRanges = PageReporter.Capacity;

    public static TheoryData<ReporterVariant, int, bool> VariantsAndRangesDone
    {
        get
        {
            TheoryData<ReporterVariant, int, bool> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                foreach (int done in (int[])[0, 1, 7, CapacityRanges])
                {
                    data.Add(variant, done, false);
                    data.Add(variant, done, true);
                }
            }

            return data;
        }
    }

    /// <summary>Whatever the system did of a call that it refused, nothing of it counts, and the next pass does all of it.</summary>
    [LinuxTheory]
    [MemberData(nameof(VariantsAndRangesDone))]
    public void At_any_call_the_blocks_stay_free_and_go_back_in_the_end(ReporterVariant variant, int rangesDone, bool changesCores)
    {
        (CoreId first, CoreId second) = PinnedThread.TwoCores();
        PinnedThread.Run(first, () =>
        {
            Assert.False(Run(variant, refusedCall: 0, rangesDone, first, changesCores ? second : first));
            int n = 1;
            while (Run(variant, n, rangesDone, first, changesCores ? second : first))
            {
                n++;
            }

            Assert.True(n > 4, $"{n - 1} calls");
        });
    }

    [LinuxTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_range_that_the_system_does_not_take_fails_the_call_and_the_others_still_go(int bad)
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 8 << 20, out FrameZone? made).Succeeded);
        using FrameZone zone = made!;
        Assert.True(zone.TryOpen(zone.FrameCount));
        new Span<byte>((void*)zone.BaseAddress, 4 * 4096).Fill(0xAB);
        var ranges = new FrameRange[3];
        for (int i = 0; i < ranges.Length; i++)
        {
            nuint address = zone.BaseAddress + ((nuint)i * 4096);
            ranges[i] = new FrameRange(new Pfn((uint)i), Order.Zero, i == bad ? address + 1 : address);
        }

        Assert.Equal(FrameContent.Unknown, new MadviseDevice().Report(ranges));

        for (int i = 0; i < 4; i++)
        {
            byte expected = i == bad || i == ranges.Length ? (byte)0xAB : (byte)0;
            Assert.Equal(expected, *(byte*)(zone.BaseAddress + ((nuint)i * 4096)));
        }
    }

    [SystemCallFilterTheory]
    [InlineData("process_madvise", ErrorNumber.NotImplemented)]
    [InlineData("process_madvise", ErrorNumber.Invalid)]
    [InlineData("process_madvise", ErrorNumber.NotPermitted)]
    [InlineData("process_madvise", ErrorNumber.BadFile)]
    [InlineData("pidfd_open", ErrorNumber.NotImplemented)]
    public void Without_the_vectored_call_each_block_goes_back_by_itself(string call, int errno)
    {
        ChildResult child = ChildProcess.Run("reporting-system-call", [call, errno.ToString(CultureInfo.InvariantCulture)]);
        Assert.True(child.ExitCode == 0, $"{child.ExitCode} {child.Error}");
        const int Blocks = 2 * 40;
        Assert.Equal($"{Blocks * 65536} 0 0 {Blocks * 16} 0", child.Output.Trim());
    }

    /// <summary>
    /// Reports until nothing is left, with one refusal, of memory that was taken on two cores in turn. Gives whether there was a refusal: how many calls there
    /// are depends on the cores.
    /// </summary>
    private static bool Run(ReporterVariant variant, int refusedCall, int rangesDone, CoreId first, CoreId second)
    {
        var platform = new FaultyPlatform();
        Assert.True(FrameZone.TryCreate(platform, ZoneKind.Normal, 64 << 20, out FrameZone? made).Succeeded);
        using FrameZone zone = made!;
        using IFrameAllocator frames = variant.IsLockFree() ? new LockFreeFrameAllocator(zone) : new BuddyFrameAllocator(zone);
        using var reporter = new PageReporter(frames, new PageReporterOptions { Scheme = variant.Scheme() });
        reporter.Register(new MadviseDevice(platform, DiscardMode.Now));
        List<(Pfn Frame, Order Order)> live = [];
        ulong free = MakeHoles(frames, live, first, second);
        int calls = 0;
        bool wasRefused = false;
        ulong taken = 0;
        ulong refused = 0;
        platform.OnDiscardMany = (inner, ranges, mode) =>
        {
            bool isRefused = ++calls == refusedCall;
            wasRefused |= isRefused;
            int count = isRefused ? Math.Min(rangesDone, ranges.Length) : ranges.Length;
            Assert.True(inner.Discard(ranges[..count], mode).Succeeded);
            (isRefused ? ref refused : ref taken) += Sum(ranges);
            return isRefused ? new PlatformResult(ErrorNumber.TryAgain) : PlatformResult.Success;
        };

        ulong reported = reporter.ReportNow();
        int failures = wasRefused ? 1 : 0;
        Assert.Equal(failures, reporter.GetStatistics().DeviceFailures);

        // A block may be told of as a whole of which only a part was used; that part counts.
        Assert.InRange(reported, 0u, taken);
        Assert.Equal(!wasRefused, reported == free);
        FrameStatistics between = frames.GetStatistics();
        Assert.Equal(0u, between.IsolatedFrames);

        // Where the thread changed cores, a block that is free as a whole was used in part only. What is known of the rest goes with a refusal.
        ulong unreported = (between.FreeFrames - between.ReportedFrames) * Pfn.FrameBytes;
        Assert.InRange(unreported, free - reported, free - reported + refused);
        frames.Validate();

        Assert.Equal(unreported, reporter.ReportNow());
        Assert.Equal(failures, reporter.GetStatistics().DeviceFailures);
        Assert.Equal(frames.GetStatistics().FreeFrames, frames.GetStatistics().ReportedFrames);
        Assert.True(platform.CountResident(zone.BaseAddress, (nuint)zone.Bytes, out nuint resident).Succeeded);
        Assert.Equal((nuint)live.Sum(block => block.Order.Frames), resident);
        Assert.All(live, block => Assert.False(Content(zone, block.Frame, block.Order).ContainsAnyExcept((byte)0xAB)));
        AssertZeroed(zone, frames);
        return wasRefused;
    }

    /// <summary>More than three calls of blocks of 64 KiB to 2 MiB, each beside one in use.</summary>
    private static ulong MakeHoles(IFrameAllocator frames, List<(Pfn Frame, Order Order)> live, CoreId first, CoreId second)
    {
        ulong free = 0;
        List<(Pfn Frame, Order Order)> holes = [];
        foreach ((int order, int count) in (ReadOnlySpan<(int, int)>)[(9, 4), (7, 4), (6, 4), (4, 100)])
        {
            for (int i = 0; i < 2 * count; i++)
            {
                Assert.True(ThreadAffinity.Pin(i % 3 == 0 ? first : second, out _).Succeeded);
                Assert.True(frames.TryAllocate(new Order(order), FrameFlags.None, out Pfn frame, out _));
                Content(frames.Zone, frame, new Order(order)).Fill(0xAB);
                ((frame.Value >> order) % 2 == 0 ? holes : live).Add((frame, new Order(order)));
            }
        }

        foreach ((Pfn frame, Order order) in holes)
        {
            frames.Free(frame, order);
            free += order.Bytes;
        }

        return free;
    }

    /// <summary>What was taken and then refused is not believed to be in memory, nor to be zero when it is not.</summary>
    private static void AssertZeroed(FrameZone zone, IFrameAllocator frames)
    {
        var order = new Order(4);
        while (frames.TryAllocate(order, FrameFlags.Zeroed | FrameFlags.NoReclaim, out Pfn frame, out _))
        {
            Assert.False(Content(zone, frame, order).ContainsAnyExcept((byte)0), $"Frame {frame} is not zero.");
        }
    }

    private static ulong Sum(ReadOnlySpan<AddressRange> ranges)
    {
        ulong bytes = 0;
        foreach (AddressRange range in ranges)
        {
            bytes += range.Bytes;
        }

        return bytes;
    }

    private static Span<byte> Content(FrameZone zone, Pfn frame, Order order) => new(zone.AddressOf(frame), (int)order.Bytes);
}
