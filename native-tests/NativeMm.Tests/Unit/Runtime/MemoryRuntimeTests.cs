using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

public sealed unsafe class MemoryRuntimeTests
{
    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_figures_add_up(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        AssertOrdered(fixture.Runtime.GetStatistics());
        nint[] blocks = new nint[2000];
        fixture.Heap.AllocBulk(5000, blocks);
        nint large = (nint)fixture.Heap.Alloc((nuint)1 << 30);
        RuntimeStatistics full = fixture.Runtime.GetStatistics();
        AssertOrdered(full);
        Assert.True(full.InUseBytes >= (2000 * 5000) + (1ul << 30));
        Assert.True(full.CommittedBytes - full.InUseBytes == full.RetainedBytes);

        fixture.Heap.FreeBulk(blocks);
        fixture.Heap.Free((void*)large);
        RuntimeStatistics freed = fixture.Runtime.GetStatistics();
        AssertOrdered(freed);
        Assert.Equal(0u, freed.InUseBytes);
        Assert.True(freed.RetainedBytes > 0);

        ulong returned = fixture.Runtime.Trim();
        RuntimeStatistics trimmed = fixture.Runtime.GetStatistics();
        AssertOrdered(trimmed);
        Assert.True(returned > 0);
        Assert.Equal(freed.ReturnedBytes + returned, trimmed.ReturnedBytes);
        Assert.Equal(freed.TrimPasses + 1, trimmed.TrimPasses);
        Assert.True(trimmed.CommittedBytes < freed.CommittedBytes);
        Assert.Equal(0u, trimmed.Zone.AllocatedFrames);
        fixture.Runtime.Validate();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_classes_row_counts_what_is_where(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        nint[] blocks = new nint[1000];
        fixture.Heap.AllocBulk(100, blocks);
        fixture.Heap.FreeBulk(blocks.AsSpan(0, 400));
        var row = Assert.Single(fixture.Heap.GetStatistics().Classes);
        Assert.Equal(112u, row.BlockBytes);
        Assert.Equal(600, row.LiveBlocks);
        long perSlab = 65536 / 112;
        Assert.Equal(row.Slabs * perSlab, row.LiveBlocks + row.CachedBlocks + row.FreeBlocks);
        Assert.Equal((ulong)row.Slabs * 65536, row.SlabBytes);
        Assert.True(row.LockAcquisitions > 0);
        fixture.Heap.FreeBulk(blocks.AsSpan(400));
    }

    [Theory]
    [InlineData(FrameAllocatorKind.LockFree, BuddyReportScheme.Rotation)]
    [InlineData(FrameAllocatorKind.Buddy, BuddyReportScheme.Rotation)]
    [InlineData(FrameAllocatorKind.Buddy, BuddyReportScheme.Boundary)]
    public void Idle_memory_goes_back_pass_by_pass(FrameAllocatorKind kind, BuddyReportScheme scheme)
    {
        using var fixture = new HeapFixture(frames: kind, reporting: new PageReporterOptions { Delay = TimeSpan.Zero, Scheme = scheme });
        ulong committed = UseAndFree(fixture);
        for (int pass = 0; pass < 24; pass++)
        {
            fixture.Runtime.TrimIdle();
        }

        Assert.True(fixture.Runtime.GetStatistics().CommittedBytes <= committed / 20, $"{fixture.Runtime.GetStatistics().CommittedBytes} of {committed}");
        Assert.Equal(0u, fixture.AllocatedFrames);
        Assert.Equal(fixture.Runtime.GetStatistics().ReturnedBytes, fixture.Runtime.GetStatistics().Reporting.ReportedBytes);
    }

    [Fact]
    public void What_idle_cores_keep_for_themselves_goes_back_too()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            BackgroundTrim = false,
            FrameAllocator = FrameAllocatorKind.Buddy,
            Reporting = new PageReporterOptions { HighWaterBlocks = 1, Delay = TimeSpan.Zero },
        });
        var frames = new Pfn[2000];
        for (int i = 0; i < frames.Length; i++)
        {
            Assert.True(runtime.Frames.TryAllocate(Order.Zero, FrameFlags.None, out frames[i], out _));
        }

        foreach (Pfn frame in frames)
        {
            runtime.Frames.Free(frame, Order.Zero);
        }

        ulong kept = runtime.Frames.GetStatistics().PerCoreFrames;
        Assert.NotEqual(0u, kept);

        // The cores were at work until this pass, and keep what they have.
        runtime.TrimIdle();
        Assert.Equal(kept, runtime.Frames.GetStatistics().PerCoreFrames);
        for (int pass = 0; pass < 24; pass++)
        {
            runtime.TrimIdle();
        }

        FrameStatistics after = runtime.Frames.GetStatistics();
        Assert.Equal(0u, after.PerCoreFrames);
        Assert.Equal(after.FreeFrames, after.ReportedFrames);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_was_in_use_a_moment_ago_is_kept(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind, reporting: new PageReporterOptions { Delay = TimeSpan.FromHours(1) });
        ulong committed = UseAndFree(fixture);
        for (int pass = 0; pass < 24; pass++)
        {
            fixture.Runtime.TrimIdle();
        }

        Assert.True(fixture.Runtime.GetStatistics().CommittedBytes >= committed, "Something went back.");
        Assert.True(fixture.Runtime.Trim() > committed / 2, "Whoever asks gets it all.");
    }

    [LinuxTheory]
    [MemberData(nameof(Kinds))]
    public void Zeroed_blocks_of_memory_that_went_back_read_as_zero(FrameAllocatorKind kind)
    {
        foreach (DiscardMode mode in Enum.GetValues<DiscardMode>())
        {
            using var fixture = new HeapFixture(frames: kind, reporting: new PageReporterOptions { Mode = mode });
            nint[] blocks = new nint[64];
            fixture.Heap.AllocBulk(1 << 20, blocks);
            foreach (nint block in blocks)
            {
                new Span<byte>((void*)block, 1 << 20).Fill(0xAB);
            }

            fixture.Heap.FreeBulk(blocks);
            Assert.True(fixture.Runtime.Trim() >= 60 << 20, "Most of it goes back.");
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = (nint)fixture.Heap.AllocZeroed(1 << 20);
                Assert.False(new Span<byte>((void*)blocks[i], 1 << 20).ContainsAnyExcept((byte)0), $"Block {i} is not zero after {mode}.");
            }

            fixture.Heap.FreeBulk(blocks);
        }
    }

    [Fact]
    public void After_disposal_every_use_is_refused()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = true });
        runtime.Dispose();
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => runtime.Trim());
        Assert.Throws<ObjectDisposedException>(() => runtime.GetStatistics());
        Assert.Throws<ObjectDisposedException>(runtime.Validate);
        Assert.Throws<ObjectDisposedException>(() => runtime.CreateHeap());
        Assert.Throws<ObjectDisposedException>(() => { runtime.Heap.Alloc(1); });
    }

    [Fact]
    public unsafe void The_shared_runtime_ignores_its_disposal()
    {
        MemoryRuntime.Shared.Dispose();
        MemoryRuntime.Shared.Heap.Free(MemoryRuntime.Shared.Heap.Alloc(100));
        Assert.True(MemoryRuntime.Shared.GetStatistics().ReservedBytes > 0);
    }

    [Theory]
    [InlineData("1", "checked: True", 0)]
    [InlineData("true", "checked: True", 0)]
    [InlineData("0", "checked: False", 0)]
    [InlineData("", "checked: False", 0)]
    [InlineData("perhaps", "FormatException: NATIVEMM_CHECKED is 'perhaps'; it must be 1, true, 0 or false.", 4)]
    public void The_environment_switches_the_checked_mode(string value, string said, int exitCode)
    {
        ChildResult child = ChildProcess.Run("heap-environment", environment: new Dictionary<string, string> { ["NATIVEMM_CHECKED"] = value });
        Assert.Equal(exitCode, child.ExitCode);
        Assert.StartsWith(said, child.Output, StringComparison.Ordinal);
    }

    /// <summary>A cache, a space or a buffer over a runtime of one's own does not reserve a second zone and start a second background thread.</summary>
    [Fact]
    public void Whoever_has_a_runtime_of_his_own_has_no_shared_one()
    {
        ChildResult child = ChildProcess.Run("private-runtime");
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal(string.Empty, child.Output);
    }

    [Theory]
    [InlineData("NATIVEMM_CHECKED", "yes", "it must be 1, true, 0 or false")]
    [InlineData("NATIVEMM_CHECKED_STACKS", "-1", "it must be a number from 0 (no stacks) to 2147483647")]
    public void Every_use_of_the_shared_heap_says_which_variable_is_wrong(string variable, string value, string allowed)
    {
        ChildResult child = ChildProcess.Run("heap-environment", ["every"], environment: new Dictionary<string, string> { [variable] = value });
        Assert.True(child.ExitCode == 0, child.Error);
        string[] lines = child.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 10);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.EndsWith($"FormatException: {variable} is '{value}'; {allowed}.", line, StringComparison.Ordinal));
    }

    /// <summary>To configure it anew does not help against an environment that is not understood, and says so at once.</summary>
    [Fact]
    public void Other_options_do_not_outdo_an_environment_that_is_not_understood()
    {
        ChildResult child = ChildProcess.Run("heap-environment", ["configure"], environment: new Dictionary<string, string> { ["NATIVEMM_CHECKED"] = "yes" });
        Assert.True(child.ExitCode == 0, child.Error);
        string[] lines = child.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["Alloc", "configure", "Alloc again"], lines.Select(line => line.Split(':')[0]));
        Assert.All(lines, line => Assert.Contains("FormatException: NATIVEMM_CHECKED is 'yes'", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_runtime_has_its_name_in_listings_messages_and_metrics()
    {
        // Runtimes of other tests publish their instruments meanwhile, on their threads.
        using var listener = new MeterListener();
        var tags = new ConcurrentQueue<object?>();
        listener.InstrumentPublished = (instrument, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in instrument.Meter.Tags ?? [])
            {
                tags.Enqueue(tag.Value);
            }
        };
        listener.Start();
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { Name = "of the images", CapacityBytes = 64 << 20, BackgroundTrim = false });
        Assert.Equal("of the images", runtime.Heap.Name);
        Assert.Contains("of the images", tags);
        Assert.Equal("of the images", runtime.GetStatistics().Heaps.Single().Name);
        Assert.Throws<ArgumentException>("Name", () => new MemoryRuntime(new MemoryRuntimeOptions { Name = " " }));
    }

    [LinuxFact]
    public void The_frames_for_mappings_are_no_more_than_those_of_the_heaps()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 128 << 20, BackgroundTrim = false });
        Assert.Equal(128u << 20, runtime.Vmap.GetStatistics().Frames.ManagedFrames * 4096);
        Assert.Equal(256u << 20, runtime.GetStatistics().ReservedBytes);
    }

    [LinuxFact]
    public void A_library_in_a_collectible_load_context_goes_with_it()
    {
        ChildResult child = ChildProcess.Run("load-context");
        Assert.True(child.ExitCode == 0, child.Error + child.Output);
        Assert.Equal("contexts left: 0 of 5, zones left: 0", child.Output.Trim());
    }

    [Fact]
    public void The_shared_runtime_is_configured_before_its_first_use_only()
    {
        ChildResult child = ChildProcess.Run("heap-configure");
        string[] lines = child.Output.Split('\n');
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal(["True", $"{128 << 20}", "BuddyFrameAllocator"], lines[..3]);
        Assert.Contains("in use already", lines[3], StringComparison.Ordinal);
    }

    [LinuxTheory]
    [InlineData("trim")]
    [InlineData("wait")]
    public void Freed_memory_goes_back_to_the_system_without_a_collection(string how)
    {
        const ulong Bytes = 128 << 20;
        ChildResult child = ChildProcess.Run("heap-give-back", [how, $"{Bytes}"]);
        Assert.True(child.ExitCode == 0, child.Error);
        ulong[] figures = [.. child.Output.Split(' ').Select(ulong.Parse)];
        (ulong before, ulong full, ulong after) = (figures[0], figures[1], figures[2]);
        Assert.True(full >= before + Bytes, child.Output);

        // The bookkeeping of the slabs that were, and what the runtime compiled meanwhile, stay.
        Assert.True(after <= before + (Bytes / 10), child.Output);
        Assert.True(figures[3] >= Bytes * 9 / 10 && figures[4] >= figures[3], child.Output);
        Assert.Equal(0u, figures[5]);
    }

    private static void AssertOrdered(RuntimeStatistics statistics)
    {
        Assert.True(statistics.ReservedBytes >= statistics.CommittedBytes, $"{statistics}");
        Assert.True(statistics.CommittedBytes >= statistics.InUseBytes, $"{statistics}");
    }

    // Commits 16 MiB in small blocks, looks at them once in use, and frees them.
    private static ulong UseAndFree(HeapFixture fixture)
    {
        nint[] blocks = new nint[4000];
        fixture.Heap.AllocBulk(4096, blocks);
        fixture.Runtime.TrimIdle();
        fixture.Heap.FreeBulk(blocks);
        return fixture.Runtime.GetStatistics().CommittedBytes;
    }
}
