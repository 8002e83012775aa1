using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Paging;

public sealed class PagedMemoryTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 1024;
    private const long Length = Pages * PageBytes;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20 });
    private readonly PagedMemory _memory;

    public PagedMemoryTests()
    {
        _memory = new PagedMemory(Length, new PagedMemoryOptions { ResidentBytes = 1 << 20 }, _runtime);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _runtime.Validate();
        _runtime.Dispose();
    }

    [Fact]
    public void Memory_reads_as_zero_until_it_is_written()
    {
        byte[] bytes = SamplePages.Incompressible(10_000, 1);
        _memory.Read(Length - bytes.Length, bytes);
        Assert.False(bytes.AsSpan().ContainsAnyExcept((byte)0));
        Assert.Equal(0L, _memory.Read<long>(0));
    }

    [Fact]
    public void Four_times_the_budget_comes_back_as_written()
    {
        FillAll(seed: 1);
        AssertAll(seed: 1);
        PagedMemoryStatistics statistics = _memory.GetStatistics();
        Assert.InRange(statistics.ResidentBytes, 1, 1 << 20);
        Assert.InRange(statistics.CompressedPageBytes, 1, Length);
        Assert.InRange(statistics.Ratio, 1.5, 100);
        Assert.InRange(statistics.PagesIn, Pages / 2, long.MaxValue);
        Assert.InRange(statistics.PagesOut, Pages / 2, long.MaxValue);
        Assert.InRange(statistics.StallShare, 0, 1);
        Assert.True(double.IsNaN(statistics.HitRatio));
        _memory.Validate();
    }

    [Fact]
    public void Values_lie_across_pages_and_at_both_ends()
    {
        foreach (long offset in new[] { 0, PageBytes - 3, Length - 8 })
        {
            _memory.Write(offset, 0x0123456789ABCDEF + offset);
            Assert.Equal(0x0123456789ABCDEF + offset, _memory.Read<long>(offset));
        }
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(Length - 7)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Values_outside_are_refused_by_name(long offset)
    {
        Assert.Contains($"offset {offset}", Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Read<long>(offset)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Write(offset, 1L));
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Read(offset, new byte[8]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Prefetch([offset < 0 ? offset : Length]));
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Discard(offset, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.Pin(offset, 8));
    }

    [Fact]
    public void Leases_and_pins_show_the_same_bytes()
    {
        using (WriteLease lease = _memory.LeaseWrite(5000, 100))
        {
            lease.Span.Fill(7);
        }

        using (ReadLease lease = _memory.LeaseRead(5000, 100))
        {
            Assert.Equal(100, lease.Span.Length);
            Assert.False(lease.Span.ContainsAnyExcept((byte)7));
        }

        using PagePin pin = _memory.Pin(5000, 100);
        FillAll(seed: 3, first: 2);
        Assert.False(pin.GetReadOnlySpan(0).ContainsAnyExcept((byte)7));
    }

    [Theory]
    [InlineData(0, Length)]
    [InlineData(100, 50)]
    [InlineData(100, PageBytes)]
    [InlineData(PageBytes, 2 * PageBytes)]
    [InlineData(10, (3 * PageBytes) + 5)]
    public void Discarded_bytes_read_as_zero_and_no_others(long offset, long length)
    {
        FillAll(seed: 2);
        byte[] expected = new byte[Length];
        _memory.Read(0, expected);
        expected.AsSpan((int)offset, (int)length).Clear();
        _memory.Discard(offset, length);
        byte[] found = new byte[Length];
        _memory.Read(0, found);
        Assert.True(found.AsSpan().SequenceEqual(expected));
        _memory.Validate();
    }

    [Fact]
    public void Discard_of_everything_gives_everything_back()
    {
        FillAll(seed: 4);
        _memory.Discard(0, Length);

        // Reclaim in the background may have pages in its hands, which it gives up when it finds them gone.
        PagedMemoryStatistics Now() => _memory.GetStatistics();
        Assert.True(SpinWait.SpinUntil(() => Now() is { CompressedPageBytes: 0, FilePageBytes: 0, ResidentBytes: 0 }, StartGate.DefaultTimeout), $"{Now()}");
    }

    [Fact]
    public void Array_has_elements_of_any_size()
    {
        PagedArray<Triple> array = _memory.AsArray<Triple>(offset: 5);
        Assert.Equal((Length - 5) / 24, array.Length);
        for (long i = 0; i < array.Length; i += 97)
        {
            array[i] = new Triple(i, i + 1, i + 2);
        }

        for (long i = 0; i < array.Length; i += 97)
        {
            Assert.Equal(new Triple(i, i + 1, i + 2), array[i]);
        }

        var some = new Triple[3];
        array.Read(97, some);
        Assert.Equal(new Triple(97, 98, 99), some[0]);
        Triple[] three = [new(1, 2, 3), new(4, 5, 6), new(7, 8, 9)];
        array.Write(array.Length - 3, three);
        array.Read(array.Length - 3, some);
        Assert.Equal(three, some);
        array.Write(array.Length, []);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Write(array.Length - 2, three));
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Write(-1, []));
        Assert.Throws<IndexOutOfRangeException>(() => array[array.Length]);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Read(array.Length - 2, some));
        Assert.Throws<ArgumentOutOfRangeException>(() => _memory.AsArray<Triple>(0, Length));
    }

    /// <summary>The zeros are never touched before, so that they take no memory where they come from; of the last ones it is seen that they arrived.</summary>
    [LinuxFact]
    public unsafe void Elements_of_more_bytes_than_a_span_of_bytes_has_are_written()
    {
        const int Elements = (1 << 28) + 3;
        using var memory = new PagedMemory((long)Elements * sizeof(long), new PagedMemoryOptions { ResidentBytes = 1 << 20 }, _runtime);
        PagedArray<long> array = memory.AsArray<long>();
        array[0] = array[(1 << 28) - 1] = array[Elements - 1] = 7;
        long* zeros = (long*)NativeMemory.AllocZeroed(Elements, sizeof(long));
        zeros[Elements - 1] = 5;
        array.Write(0, new ReadOnlySpan<long>(zeros, Elements));
        NativeMemory.Free(zeros);
        Assert.Equal((0L, 0L, 5L), (array[0], array[(1 << 28) - 1], array[Elements - 1]));
    }

    [Fact]
    public void Stream_reads_and_writes_and_ends_where_the_memory_ends()
    {
        using Stream stream = _memory.AsStream();
        byte[] written = SamplePages.Incompressible(20_000, 9);
        stream.Seek(-20_000, SeekOrigin.End);
        stream.Write(written);
        Assert.Equal(Length, stream.Position);
        Assert.Equal(0, stream.Read(new byte[1]));
        Assert.Throws<IOException>(() => stream.WriteByte(1));
        stream.Position = Length - 20_000;
        byte[] read = new byte[30_000];
        Assert.Equal(20_000, stream.Read(read));
        Assert.True(read.AsSpan(0, 20_000).SequenceEqual(written));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Seek(long.MaxValue, SeekOrigin.End));
        Assert.Throws<IOException>(() => stream.Seek(long.MinValue, SeekOrigin.Begin));
    }

    [Fact]
    public void An_access_after_the_end_names_the_memory()
    {
        var memory = new PagedMemory(1 << 20, new PagedMemoryOptions { Name = "prices" });
        memory.Dispose();

        Action[] accesses = [() => memory.Read<int>(0), () => memory.Write(0, 1), () => memory.Read(0, new byte[1]), () => memory.Pin(0, 1)];
        Assert.All(accesses, access => Assert.Contains("'prices'", Assert.Throws<ObjectDisposedException>(access).Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stream_writes_nothing_behind_its_end_and_copies_without_waiting_callers()
    {
        using Stream stream = _memory.AsStream();
        stream.Position = Length + 5;
        stream.Write([]);
        Assert.Throws<IOException>(() => stream.Write(new byte[1]));
        stream.Position = 4090;
        await stream.WriteAsync(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }.AsMemory());
        stream.Position = 4090;
        byte[] back = new byte[9];
        Assert.Equal(9, await stream.ReadAsync(back.AsMemory()));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], back);
    }

    [Fact]
    public void Stream_that_is_closed_is_closed_and_its_memory_is_not()
    {
        Stream stream = _memory.AsStream();
        stream.Dispose();
        stream.Dispose();
        Assert.False(stream.CanRead || stream.CanWrite || stream.CanSeek);
        Assert.Throws<ObjectDisposedException>(() => stream.Read(new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => stream.Write(new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<ObjectDisposedException>(() => stream.Seek(0, SeekOrigin.Current));
        Assert.Throws<ObjectDisposedException>(() => stream.Position = 0);
        Assert.Throws<ObjectDisposedException>(stream.Flush);
        Assert.Throws<ObjectDisposedException>(() => stream.Write([]));
        Assert.IsType<ObjectDisposedException>(stream.ReadAsync(new byte[1], 0, 1, CancellationToken.None).Exception?.InnerException);
        Assert.IsType<ObjectDisposedException>(stream.ReadAsync(new byte[1].AsMemory()).AsTask().Exception?.InnerException);
        Assert.IsType<ObjectDisposedException>(stream.WriteAsync(new byte[1], 0, 1, CancellationToken.None).Exception?.InnerException);
        Assert.IsType<ObjectDisposedException>(stream.WriteAsync(new byte[1].AsMemory()).AsTask().Exception?.InnerException);
        _memory.Write(0, 7);
        Assert.Equal(7, _memory.Read<int>(0));
    }

    [Fact]
    public void Length_of_a_file_that_there_is_not_is_refused()
    {
        ArgumentException thrown = Assert.Throws<ArgumentException>(() => new PagedMemory(1 << 20, new PagedMemoryOptions { FileBytes = 8192 }, _runtime));
        Assert.Contains("8192", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Use_after_dispose_is_refused()
    {
        var memory = new PagedMemory(1 << 20, null, _runtime);
        memory.Dispose();
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Read<int>(0));
        Assert.Throws<ObjectDisposedException>(() => memory.Write(0, 1));
        Assert.Throws<ObjectDisposedException>(() => memory.GetStatistics());
        Assert.Throws<ObjectDisposedException>(() => memory.Snapshot());
        Assert.Throws<ObjectDisposedException>(() => memory.Prefetch([0]));
        Assert.Throws<ObjectDisposedException>(() => memory.Discard(0, 1));
    }

    [Fact]
    public void Memory_ends_with_its_runtime()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        using var memory = new PagedMemory(2 << 20, new PagedMemoryOptions { ResidentBytes = 1 << 20 }, runtime);
        memory.AsStream().Write(SamplePages.Compressible(2 << 20, 1));
        using PagedSnapshot snapshot = memory.Snapshot();
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Read<long>(0));
        Assert.Throws<ObjectDisposedException>(() => snapshot.CopyTo(Stream.Null));
    }

    [Fact]
    public void Dispose_returns_every_frame()
    {
        ulong before = _runtime.Frames.GetStatistics().FreeFrames;
        for (int i = 0; i < 3; i++)
        {
            using var memory = new PagedMemory(Length, new PagedMemoryOptions { ResidentBytes = 1 << 20 }, _runtime);
            for (int page = 0; page < Pages; page++)
            {
                memory.Write((long)page * PageBytes, SamplePages.Compressible(PageBytes, page));
            }
        }

        _ = _runtime.Trim();
        Assert.InRange(_runtime.Frames.GetStatistics().FreeFrames, before - 64, ulong.MaxValue);
    }

    [Fact]
    public void Validate_lets_nothing_leave_meanwhile()
    {
        for (int seed = 0; seed < 10; seed++)
        {
            // What background reclaim was asked for goes on when this returns.
            FillAll(seed, first: Pages / 2);
            _memory.Validate();
        }
    }

    [Fact]
    public void Bookkeeping_is_for_the_pages_that_there_can_be()
    {
        using var small = new PagedMemory(1 << 20, new PagedMemoryOptions { ResidentBytes = PagedMemoryOptions.BytesLimit }, _runtime);
        Assert.InRange(small.Space.GetReclaimStatistics().LimitPages, 256, 4096);
        using var large = new PagedMemory(1L << 40, new PagedMemoryOptions { ResidentBytes = PagedMemoryOptions.BytesLimit }, _runtime);
        Assert.Equal(_runtime.Frames.Zone.FrameCount, large.Space.GetReclaimStatistics().LimitPages);
        Assert.Equal(1 << 20, (int)small.Length);
        using PagePin all = small.Pin(0, 1 << 20, PageAccess.Write);
        Assert.Equal(1 << 20, all.Length);
    }

    [Fact]
    public void Hit_rate_is_counted_when_asked_for()
    {
        using var memory = new PagedMemory(8 << 20, new PagedMemoryOptions { ResidentBytes = 4 << 20, CountAccesses = true }, _runtime);
        for (int i = 0; i < 1000; i++)
        {
            memory.Write(8L * (i % 100), (long)i);
        }

        Assert.Equal(1000, memory.GetStatistics().Accesses);
        Assert.Equal(1.0, memory.GetStatistics().HitRatio);
    }

    private void FillAll(int seed, int first = 0)
    {
        for (int page = first; page < Pages; page++)
        {
            _memory.Write((long)page * PageBytes, SamplePages.Compressible(PageBytes, (seed * 10_000) + page));
        }
    }

    private void AssertAll(int seed)
    {
        byte[] page = new byte[PageBytes];
        for (int i = 0; i < Pages; i++)
        {
            _memory.Read((long)i * PageBytes, page);
            Assert.True(page.AsSpan().SequenceEqual(SamplePages.Compressible(PageBytes, (seed * 10_000) + i)), $"page {i}");
        }
    }

    private readonly record struct Triple(long A, long B, long C);
}
