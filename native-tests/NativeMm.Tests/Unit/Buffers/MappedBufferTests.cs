using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

public sealed class MappedBufferTests
{
    [LinuxFact]
    public void A_view_shows_its_parts_in_a_row_and_outlives_them()
    {
        using MemoryRuntime runtime = MakeRuntime();
        var first = new MappedBuffer(8192, runtime: runtime);
        var second = new MappedBuffer(5000, VmapFlags.Zeroed, runtime);
        using MappedBuffer view = MappedBuffer.Concat(first, second);
        first.Span.Fill(1);
        second.Span[4999] = 2;
        Assert.Equal(13192, view.Length);
        Assert.Equal((false, true), (first.IsView, view.IsView));
        Assert.Equal(8192, view.Span.IndexOfAnyExcept((byte)1));
        Assert.Equal(2, view.Memory.Span[^1]);
        view.Span[8192] = 3;
        Assert.Equal(3, second.Span[0]);
        first.Dispose();
        second.Dispose();
        using var other = new MappedBuffer(8192, runtime: runtime);
        other.Span.Fill(9);
        Assert.Equal(1, view.Span[0]);
        Assert.Throws<ObjectDisposedException>(() => first.Span[0]);
        runtime.Validate();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_length_out_of_range_is_named_with_its_range(int length)
    {
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => { new MappedBuffer(length).Dispose(); });
        Assert.Equal("length", refused.ParamName);
        Assert.Contains($"1 to 2147483647 bytes, and at most those of the runtime's window, not {length}.", refused.Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void Parts_that_do_not_fit_are_refused()
    {
        using MemoryRuntime runtime = MakeRuntime();
        using MemoryRuntime stranger = MakeRuntime();
        using var odd = new MappedBuffer(5000, runtime: runtime);
        using var whole = new MappedBuffer(4096, runtime: runtime);
        using var other = new MappedBuffer(4096, runtime: stranger);
        Assert.Throws<ArgumentException>(() => MappedBuffer.Concat());
        Assert.Contains("5000 bytes", Assert.Throws<ArgumentException>(() => MappedBuffer.Concat(odd, whole)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MappedBuffer.Concat(whole, other));
        Assert.Contains("Part 1", Assert.Throws<ArgumentNullException>(() => MappedBuffer.Concat(whole, null!)).Message, StringComparison.Ordinal);
        Assert.Contains("Part 0", Assert.Throws<ArgumentNullException>(() => MappedBuffer.Concat([null!])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MappedBuffer(0, runtime: runtime));
        Assert.Throws<ArgumentOutOfRangeException>(() => whole.Pin(4097));
    }

    /// <summary>A list of the frames of all parts may be longer than a list can be.</summary>
    [LinuxFact]
    public void Parts_that_are_too_long_together_are_refused_before_their_frames_are_looked_up()
    {
        using MemoryRuntime runtime = MakeRuntime();
        using var part = new MappedBuffer(1 << 20, runtime: runtime);
        MappedBuffer[] parts = [.. Enumerable.Repeat(part, 20_000)];
        long before = GC.GetAllocatedBytesForCurrentThread();
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => MappedBuffer.Concat(parts));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Contains(FormattableString.Invariant($"the parts have {20_000L << 20} together"), refused.Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void The_runtime_makes_its_mappable_zone_on_first_use_and_counts_it()
    {
        using MemoryRuntime runtime = MakeRuntime();
        Assert.Null(runtime.GetStatistics().Vmap);
        ulong before = runtime.GetStatistics().ReservedBytes;
        var buffer = new MappedBuffer(1 << 20, runtime: runtime);
        RuntimeStatistics with = runtime.GetStatistics();
        Assert.Equal(before + (64 << 20), with.ReservedBytes);
        Assert.Equal(256, with.Vmap!.BusyPages);
        Assert.True(with.InUseBytes >= 1 << 20);
        buffer.Dispose();
        Assert.True(runtime.Trim() >= 1 << 20);
        Assert.Equal(0ul, runtime.GetStatistics().Vmap!.Frames.AllocatedFrames);
        runtime.Validate();
    }

    [LinuxFact]
    public void Idle_passes_empty_the_pools_and_give_the_pages_back()
    {
        using MemoryRuntime runtime = MakeRuntime();
        for (int i = 0; i < 3; i++)
        {
            new MappedBuffer(256 << 10, runtime: runtime).Dispose();
        }

        Assert.NotEqual(0, runtime.Vmap.GetStatistics().PooledPages);
        for (int pass = 0; pass < 40; pass++)
        {
            runtime.TrimIdle();
        }

        VmapStatistics now = runtime.GetStatistics().Vmap!;
        Assert.Equal(0, now.PooledPages + now.LazyPages + now.BusyPages);

        // The reporter leaves what is below its mark alone.
        ulong left = (ulong)runtime.Vmap.Options.Reporting!.HighWaterBlocks * 16;
        Assert.InRange(now.Frames.ReportedFrames, now.Frames.ManagedFrames - left, now.Frames.ManagedFrames);
        runtime.Validate();
    }

    [LinuxFact]
    public void The_options_of_the_runtime_are_those_of_its_buffers()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            Vmap = new VmapOptions { CapacityBytes = 8 << 20, WindowBytes = 16 << 20, MappingsMax = 100, LazyBytesMax = 1 << 20 },
            BackgroundTrim = false,
        });
        Assert.Equal(runtime.Options.Vmap with { Reporting = runtime.Options.Reporting }, runtime.Vmap.Options);
        VmapStatistics now = runtime.Vmap.GetStatistics();
        Assert.Equal((4096, 100), (now.WindowPages, now.MappingsMax));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MappedBuffer(16 << 20, runtime: runtime));
    }

    [LinuxFact]
    public void A_disposed_runtime_has_no_vmap()
    {
        MemoryRuntime runtime = MakeRuntime();
        _ = runtime.Vmap;
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => runtime.Vmap);
        Assert.Throws<ObjectDisposedException>(() => new MappedBuffer(1, runtime: runtime));
    }

    internal static MemoryRuntime MakeRuntime() =>
        new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, Vmap = new VmapOptions { CapacityBytes = 64 << 20 }, BackgroundTrim = false });
}
