using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Faulty.Vmap;

/// <summary>Whichever call the system refuses, the accounting stays true, and nothing is lost.</summary>
public sealed unsafe class FaultyVmapTests
{
    private const nuint Page = Pfn.FrameBytes;
    private const int ForGood = 1 << 30;

    [LinuxFact]
    public void Any_refused_call_of_the_constructor_is_an_error_that_leaves_nothing()
    {
        for (int n = 1; ; n++)
        {
            var platform = new FaultyPlatform();
            platform.FailCall(n);
            try
            {
                using var vmap = new VmapAllocator(Options(), platform);
                platform.FailNothing();
                vmap.Validate();
            }
            catch (OutOfMemoryException)
            {
                Assert.Equal(1, platform.Failures);
            }

            bool done = platform.Failures == 0;
            platform.AssertNothingLeaked();
            if (done)
            {
                Assert.True(n > 8);
                return;
            }
        }
    }

    [LinuxTheory]
    [InlineData(PlatformCall.MapFile, 1, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.MapFile, 3, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.Revoke, 1, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.Revoke, 4, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.InstallGuard, 1, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.InstallGuard, 1, ErrorNumber.Invalid)]
    [InlineData(PlatformCall.InstallGuard, ForGood, ErrorNumber.NotImplemented)]
    [InlineData(PlatformCall.PunchHole, 1, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.PunchHole, ForGood, ErrorNumber.NotImplemented)]
    [InlineData(PlatformCall.Protect, 1, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.Open, 1, ErrorNumber.OutOfMemory)]
    [InlineData(PlatformCall.Open, ForGood, ErrorNumber.OutOfMemory)]
    [InlineData(null, 1, ErrorNumber.OutOfMemory)]
    [InlineData(null, 6, ErrorNumber.OutOfMemory)]
    [InlineData(null, ForGood, ErrorNumber.OutOfMemory)]
    public void Every_refused_call_of_a_workload_leaves_the_accounting_true(object? kind, int times, int errno)
    {
        int calls = Enumerable.Range(0, 3).Min(_ => CallsOfTheWorkload((PlatformCall?)kind));
        for (int n = 1; ; n++)
        {
            var platform = new FaultyPlatform();
            using (var vmap = new VmapAllocator(Options(), platform))
            {
                platform.FailCall(n, errno, (PlatformCall?)kind, times);
                new VmapScript(vmap).Run();
                platform.FailNothing();
                vmap.Validate();
                vmap.Purge(pools: true);
                vmap.Validate();
                AssertNothingLost(vmap, n);
            }

            platform.AssertNothingLeaked();
            if (platform.Failures == 0)
            {
                // How many calls there are depends on the cores that the thread is on meanwhile.
                Assert.True(n > calls * 3 / 4, $"The last of the calls that were refused was {n - 1}; the workload makes {calls}.");
                return;
            }
        }
    }

    [LinuxFact]
    public void A_piece_that_cannot_be_cut_out_is_hidden_by_guards()
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(), platform);
        vmap.Free(vmap.Alloc(4 * Page));

        // Once before the reserve of mappings is given up, once after.
        platform.FailCall(1, kind: PlatformCall.Revoke, times: 2);
        vmap.Purge(pools: true);
        VmapStatistics now = vmap.GetStatistics();
        if (now.GuardRevokes == 0)
        {
            // A kernel without guards: the piece waits for the next purge.
            vmap.Purge();
        }

        vmap.Validate();
        Assert.Equal(0ul, vmap.GetStatistics().Frames.AllocatedFrames);
        byte* range = (byte*)vmap.Alloc(4 * Page, VmapFlags.Zeroed);
        new Span<byte>(range, (int)(4 * Page)).Fill(1);
        vmap.Free(range);
    }

    [LinuxFact]
    public void Growing_that_is_refused_half_way_leaves_the_range_as_it_was()
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(), platform);

        // Frames in single pieces, so that growing takes many calls.
        Pfn[] frames = new Pfn[512];
        vmap.AllocateFrames(frames);
        byte* range = (byte*)vmap.Alloc(2 * Page);
        range[(2 * Page) - 1] = 7;
        Pfn[] rest = new Pfn[(int)vmap.GetStatistics().Frames.FreeFrames];
        vmap.AllocateFrames(rest);
        vmap.FreeFrames([.. frames.OrderBy(frame => frame.Value).Where((_, i) => i % 2 == 0)]);
        for (int n = 1; n <= 6; n += 5)
        {
            platform.FailCall(n, kind: PlatformCall.MapFile, times: 500);
            Assert.Throws<OutOfMemoryException>(() => vmap.Realloc(range, 40 * Page));
            platform.FailNothing();
            VmapAreaInfo area = vmap.FindArea(range)!.Value;
            Assert.Equal((2 * Page, 2u), (area.Bytes, area.Pages));
            Assert.Equal(7, range[(2 * Page) - 1]);
            vmap.Validate();
            vmap.Purge(pools: true);
            vmap.Validate();
        }

        range = (byte*)vmap.Realloc(range, 40 * Page, VmapFlags.Zeroed);
        Assert.Equal(7, range[(2 * Page) - 1]);
        Assert.Equal(-1, new Span<byte>(range + (2 * Page), (int)(38 * Page)).IndexOfAnyExcept((byte)0));
        vmap.Free(range);
        vmap.Validate();
    }

    [LinuxFact]
    public void Exhausted_mappings_are_an_error_that_names_the_limit_and_the_setting()
    {
        var platform = new FaultyPlatform { MappingsMaxFaked = 80 };
        using var vmap = new VmapAllocator(Options(), platform);
        Assert.Equal(60, vmap.GetStatistics().MappingsMax);
        Pfn[] frames = new Pfn[64];
        vmap.AllocateFrames(frames);
        Pfn[] scattered = [.. frames.Where((_, i) => i % 2 == 0)];
        void* first = vmap.Map(scattered);
        OutOfMemoryException problem = Assert.Throws<OutOfMemoryException>(() => vmap.Map(scattered));
        Assert.Contains("vm.max_map_count = 80", problem.Message, StringComparison.Ordinal);
        Assert.Contains("VmapOptions.MappingsMax", problem.Message, StringComparison.Ordinal);
        Assert.Contains("60 allowed", problem.Message, StringComparison.Ordinal);
        vmap.Validate();

        // What is freed but still mapped is given up before the error: a second map fits once the first is given back.
        vmap.Unmap(first);
        vmap.Unmap(vmap.Map(scattered));
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
    }

    private static VmapOptions Options() => new()
    {
        CapacityBytes = 8 << 20,
        WindowBytes = 64 << 20,
        PooledBytesMaxPerCore = 64 << 10,
        Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller, LazyPagesMax = 16, LazyPiecesMax = 6 },
        LazyBytesMax = 256 << 10,
    };

    private static int CallsOfTheWorkload(PlatformCall? kind)
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(Options(), platform);
        int[] before = [.. Enum.GetValues<PlatformCall>().Select(platform.Calls)];
        new VmapScript(vmap).Run();
        int[] made = [.. Enum.GetValues<PlatformCall>().Select(call => platform.Calls(call) - before[(int)call])];
        Assert.All(VmapScript.Kinds, call => Assert.True(made[(int)call] >= 6, $"The workload makes {made[(int)call]} calls of {call}."));
        return kind is { } one ? made[(int)one] : made.Sum();
    }

    private static void AssertNothingLost(VmapAllocator vmap, int n)
    {
        VmapStatistics now = vmap.GetStatistics();
        Assert.True(now.FreePages == now.WindowPages, $"{now.WindowPages - now.FreePages} pages are lost after call {n} was refused.");
        Assert.True(now.Frames.AllocatedFrames == 0, $"{now.Frames.AllocatedFrames} frames are lost after call {n} was refused.");
        Assert.Equal((0, 0, 0), (now.LazyPages, now.PooledPages, now.BlockPages));
        Assert.Empty(vmap.GetAreas());
    }
}
