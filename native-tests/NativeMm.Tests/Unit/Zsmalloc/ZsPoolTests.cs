using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Zsmalloc;

public sealed class ZsPoolTests
{
    public static TheoryData<ZsLockMode> Modes => ZsFixture.Modes;

    [Theory]
    [MemberData(nameof(Modes))]
    public void Every_size_keeps_its_bytes(ZsLockMode mode)
    {
        using var fixture = new ZsFixture(ZsFixture.Quiet with { LockMode = mode }, megabytes: 32);
        var handles = new List<ZsHandle>();
        for (int bytes = 1; bytes <= ZsPool.ObjectBytesMax; bytes++)
        {
            handles.Add(fixture.Store(bytes, bytes));
        }

        fixture.Pool.Validate();
        for (int bytes = 1; bytes <= ZsPool.ObjectBytesMax; bytes++)
        {
            fixture.AssertHolds(handles[bytes - 1], bytes, bytes);
        }

        foreach (ZsHandle handle in handles)
        {
            fixture.Pool.Free(handle);
        }

        Assert.Equal(0, fixture.Pool.GetTotalFrames());
        Assert.Equal(0, fixture.Pool.GetStatistics().Objects);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(4097)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void A_size_out_of_range_is_named(int bytes)
    {
        using var fixture = new ZsFixture();
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Pool.Alloc(bytes));
        Assert.Contains("1 to 4096", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Pool.TryAlloc(bytes, out _));
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Theory]
    [InlineData(24, 32)]
    [InlineData(25, 48)]
    [InlineData(3624, 3632)]
    [InlineData(3625, 4096)]
    [InlineData(4088, 4096)]
    [InlineData(4089, 4096)]
    [InlineData(4096, 4096)]
    public void Sizes_at_the_edges_fall_into_their_class(int bytes, int slot)
    {
        using var fixture = new ZsFixture();
        ZsHandle handle = fixture.Store(bytes, 1);
        ZsClassStatistics row = Assert.Single(fixture.Pool.GetClassStatistics(), row => row.ObjectsUsed == 1);
        Assert.Equal(slot, row.SizeBytes);
        Assert.Equal(bytes, row.UsedBytes);
        fixture.AssertHolds(handle, bytes, 1);
        Assert.Equal(3624, fixture.Pool.HugeObjectBytes);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_freed_handle_is_refused_by_every_call(ZsLockMode mode)
    {
        using var fixture = new ZsFixture(ZsFixture.Quiet with { LockMode = mode });
        ZsHandle stale = fixture.Store(100, 1);
        fixture.Pool.Free(stale);
        AssertRefused(fixture.Pool, stale, MemoryFaultKind.StaleHandle);

        // The same cell and the same slot in use again.
        ZsHandle next = fixture.Store(100, 2);
        AssertRefused(fixture.Pool, stale, MemoryFaultKind.StaleHandle);
        fixture.AssertHolds(next, 100, 2);
    }

    [Fact]
    public void Foreign_and_damaged_handles_are_refused()
    {
        using var fixture = new ZsFixture();
        using var other = new ZsFixture();
        ZsHandle mine = fixture.Store(100, 1);
        ZsHandle theirs = other.Store(100, 1);
        Assert.NotEqual(mine, theirs);
        AssertRefused(fixture.Pool, theirs, MemoryFaultKind.ForeignHandle);
        AssertRefused(fixture.Pool, default, MemoryFaultKind.ForeignHandle);
        for (int bit = 0; bit < 64; bit++)
        {
            var damaged = new ZsHandle(mine.Value ^ (1UL << bit));
            Assert.Throws<MemoryFaultException>(() => fixture.Pool.SizeOf(damaged));
            Assert.Throws<MemoryFaultException>(() => fixture.Pool.Free(damaged));
        }

        fixture.AssertHolds(mine, 100, 1);
    }

    [Fact]
    public void A_cell_whose_generations_are_used_up_never_comes_back()
    {
        using var fixture = new ZsFixture();
        ZsHandle first = fixture.Pool.Alloc(32);
        fixture.Pool.Free(first);
        long uses = 1;
        while (fixture.Pool.GetStatistics().CellsRetired == 0)
        {
            for (int i = 0; i < 100_000; i++, uses++)
            {
                ZsHandle handle = fixture.Pool.Alloc(32);
                Assert.NotEqual(first, handle);
                fixture.Pool.Free(handle);
            }

            Assert.InRange(uses, 0, 1L << 22);
        }

        Assert.InRange(uses, 1L << 21, long.MaxValue);
        AssertRefused(fixture.Pool, first, MemoryFaultKind.StaleHandle);
    }

    [Fact]
    public void Writes_stay_inside_their_object()
    {
        using var fixture = new ZsFixture();
        ZsHandle before = fixture.Store(1500, 1);
        ZsHandle handle = fixture.Store(1500, 2);
        ZsHandle after = fixture.Store(1500, 3);
        byte[] expected = ZsFixture.Content(1500, 2);
        for (int offset = 0; offset < 1500; offset += 250)
        {
            byte[] piece = ZsFixture.Content(250, offset);
            fixture.Pool.Write(handle, piece, offset);
            piece.CopyTo(expected, offset);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Pool.Write(handle, new byte[1], 1500));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Pool.Write(handle, new byte[1501]));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Pool.Write(handle, new byte[1], -1));
        fixture.Pool.Write(handle, [], 1500);
        fixture.AssertHolds(before, 1500, 1);
        fixture.AssertHolds(after, 1500, 3);
        using ZsReadLease lease = fixture.Pool.OpenRead(handle, new byte[1500]);
        Assert.True(lease.Data.SequenceEqual(expected));
    }

    [Fact]
    public void A_short_scratch_is_refused_before_and_after_the_object_moves()
    {
        using var fixture = new ZsFixture();
        ZsHandle handle = fixture.Store(1500, 1);
        ArgumentException e = Assert.Throws<ArgumentException>(() => fixture.Pool.OpenRead(handle, new byte[1499]).Dispose());
        Assert.Contains("1499", e.Message, StringComparison.Ordinal);
        fixture.Pool.Free(handle);
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Fact]
    public void An_object_freed_while_it_is_read_is_reported_and_its_frame_stays_until_then()
    {
        using var fixture = new ZsFixture();
        ZsHandle handle = fixture.Store(4096, 1);
        ZsReadLease lease = fixture.Pool.OpenRead(handle, new byte[4096]);
        fixture.Pool.Free(handle);
        Assert.Equal(1, fixture.Pool.GetTotalFrames());
        MemoryFaultException? fault = null;
        try
        {
            lease.Dispose();
        }
        catch (MemoryFaultException e)
        {
            fault = e;
        }

        Assert.Equal(MemoryFaultKind.UseAfterFree, fault?.Kind);
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
        lease.Dispose();
    }

    [Fact]
    public void A_zspage_that_empties_beside_a_reader_is_freed_when_the_reader_goes()
    {
        using var fixture = new ZsFixture();
        ZsHandle read = fixture.Store(100, 1);
        ZsHandle other = fixture.Store(100, 2);
        using (ZsReadLease lease = fixture.Pool.OpenRead(other, new byte[100]))
        {
            fixture.Pool.Free(read);
            Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(100, 2)));
        }

        fixture.Pool.Free(other);
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Theory]
    [InlineData(32)]
    [InlineData(1000)]
    [InlineData(4096)]
    public void Exhausted_frames_are_a_result_and_then_an_error_that_says_how_much_there_is(int bytes)
    {
        using var fixture = new ZsFixture(megabytes: 2);
        var handles = new List<ZsHandle>();
        while (fixture.Pool.TryAlloc(bytes, out ZsHandle handle))
        {
            handles.Add(handle);
        }

        fixture.Pool.Validate();
        OutOfMemoryException e = Assert.Throws<OutOfMemoryException>(() => fixture.Pool.Alloc(bytes));
        Assert.Contains("limited to", e.Message, StringComparison.Ordinal);
        fixture.Pool.Free(handles[^1]);
        Assert.True(fixture.Pool.TryAlloc(bytes, out ZsHandle again));
        handles[^1] = again;
        foreach (ZsHandle handle in handles)
        {
            fixture.Pool.Free(handle);
        }

        fixture.Pool.Compact();
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Fact]
    public void Before_frames_run_out_for_anybody_the_pool_compacts()
    {
        using var fixture = new ZsFixture(megabytes: 2);
        var kept = new List<ZsHandle>();
        var all = new List<ZsHandle>();
        while (fixture.Pool.TryAlloc(1000, out ZsHandle handle))
        {
            all.Add(handle);
        }

        for (int i = 0; i < all.Count; i++)
        {
            if (i % 4 == 0)
            {
                kept.Add(all[i]);
            }
            else
            {
                fixture.Pool.Free(all[i]);
            }
        }

        Assert.True(fixture.Pool.TryAlloc(4096, out ZsHandle huge), "Compaction frees three quarters of the frames.");
        Assert.True(fixture.Pool.GetStatistics().FramesCompacted > 0);
        fixture.Pool.Free(huge);
        Assert.NotEmpty(kept);
        Assert.All(kept, handle => Assert.Equal(1000, fixture.Pool.SizeOf(handle)));
    }

    [Fact]
    public void A_pool_with_objects_gives_all_frames_back_and_refuses_use_afterwards()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 4);
        var pool = new ZsPool(frames.Allocator, ZsFixture.Quiet);
        ZsHandle handle = pool.Alloc(1000);
        Assert.True(frames.Allocator.GetStatistics().AllocatedFrames > 0);
        pool.Dispose();
        pool.Dispose();
        Assert.Equal(0u, frames.Allocator.GetStatistics().AllocatedFrames);
        Assert.Throws<ObjectDisposedException>(() => pool.Alloc(1));
        Assert.Throws<ObjectDisposedException>(() => pool.Free(handle));
        Assert.Throws<ObjectDisposedException>(() => pool.SizeOf(handle));
        Assert.Throws<ObjectDisposedException>(() => pool.Compact());
        Assert.Throws<ObjectDisposedException>(pool.Validate);
        Assert.Throws<ObjectDisposedException>(() => pool.GetStatistics());
    }

    [Fact]
    public void A_pool_with_an_open_lease_is_not_disposed()
    {
        using var fixture = new ZsFixture();
        ZsHandle handle = fixture.Store(100, 1);
        using (ZsReadLease lease = fixture.Pool.OpenRead(handle, new byte[100]))
        {
            Assert.Throws<InvalidOperationException>(fixture.Pool.Dispose);
            Assert.False(fixture.Pool.IsDisposed);
            Assert.True(lease.Data.SequenceEqual(ZsFixture.Content(100, 1)));
        }

        fixture.AssertHolds(handle, 100, 1);
    }

    [Fact]
    public void Objects_left_in_a_pool_are_reported_as_a_leak()
    {
        using var events = new CapturedFaults();
        using (var fixture = new ZsFixture(ZsFixture.Quiet with { Name = "left behind" }))
        {
            fixture.Store(100, 1);
            fixture.Store(200, 1);
        }

        Assert.Contains(events.Messages, text => text.Contains("2 objects of 300 bytes", StringComparison.Ordinal)
            && text.Contains("left behind", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(nameof(ZsPoolOptions.ChainFramesMax), 3)]
    [InlineData(nameof(ZsPoolOptions.ChainFramesMax), 17)]
    [InlineData(nameof(ZsPoolOptions.Stripes), 65)]
    [InlineData(nameof(ZsPoolOptions.MaxCompactors), -1)]
    [InlineData(nameof(ZsPoolOptions.CompactThresholdPercent), 0)]
    public void An_option_out_of_range_is_named(string name, int value)
    {
        var options = new ZsPoolOptions();
        typeof(ZsPoolOptions).GetProperty(name)!.SetValue(options, value);
        using var frames = new FrameFixture(FrameVariant.LockFree, 2);
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => new ZsPool(frames.Allocator, options));
        Assert.Equal(name, e.ParamName);
    }

    [Fact]
    public void An_alloc_free_pair_at_the_edge_of_a_zspage_stops_costing_frames()
    {
        using var fixture = new ZsFixture();
        for (int i = 0; i < 10; i++)
        {
            fixture.Pool.Free(fixture.Pool.Alloc(1000));
        }

        Assert.NotEqual(0, fixture.Pool.GetTotalFrames());
        Assert.NotEqual(0, fixture.Pool.Compact());
        Assert.Equal(0, fixture.Pool.GetTotalFrames());
    }

    [Fact]
    public void Metadata_is_counted_and_small()
    {
        using var fixture = new ZsFixture(megabytes: 32);
        for (int i = 0; i < 10_000; i++)
        {
            fixture.Pool.Alloc(1500);
        }

        ZsPoolStatistics statistics = fixture.Pool.GetStatistics();
        Assert.Equal(10_000 * 1500, statistics.UsedBytes);
        Assert.InRange(statistics.MetadataBytes, 1, statistics.Frames * Pfn.FrameBytes / 50);
        Assert.InRange(statistics.Frames * Pfn.FrameBytes, statistics.ClassBytes, statistics.ClassBytes * 1.03);
    }

    private static void AssertRefused(ZsPool pool, ZsHandle handle, MemoryFaultKind kind)
    {
        Assert.Equal(kind, Assert.Throws<MemoryFaultException>(() => pool.Free(handle)).Kind);
        Assert.Equal(kind, Assert.Throws<MemoryFaultException>(() => pool.SizeOf(handle)).Kind);
        Assert.Equal(kind, Assert.Throws<MemoryFaultException>(() => pool.Write(handle, new byte[1])).Kind);
        Assert.Equal(kind, Assert.Throws<MemoryFaultException>(() => pool.OpenRead(handle, new byte[4096]).Dispose()).Kind);
    }
}
