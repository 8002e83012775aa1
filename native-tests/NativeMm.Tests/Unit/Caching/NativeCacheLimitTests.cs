using System.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

public sealed class NativeCacheLimitTests : IDisposable
{
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 512 << 20, BackgroundTrim = false });

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public void An_entry_of_115_bytes_takes_no_more_than_152()
    {
        const int Count = 1_000_000;
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 400 << 20 });
        byte[] key = new byte[15];
        byte[] value = new byte[100];
        for (int i = 0; i < Count; i++)
        {
            BitConverter.TryWriteBytes(key, i);
            Assert.True(cache.Set(key, value));
        }

        Assert.Equal(Count, cache.Count);
        RuntimeStatistics runtime = _runtime.GetStatistics();
        Assert.InRange(cache.GetStatistics().UsedBytes, Count * 115L, Count * 152L);
        Assert.InRange((long)runtime.InUseBytes, Count * 115L, Count * 152L);
    }

    [Fact]
    public void Sizes_that_shift_find_room_in_what_the_others_leave()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 8 << 20 });
        for (int i = 0; i < 100_000; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), new byte[60]));
        }

        byte[] value = new byte[20_000];
        for (int i = 0; i < 2_000; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), value));
        }

        // The index stays as large as the many small ones made it; of the rest most is the new ones'.
        CacheStatistics now = cache.GetStatistics();
        long rest = now.SizeLimit - now.IndexBytes;
        Assert.InRange(now.EntryBytes, rest / 4 * 3, rest);
        cache.Validate();
    }

    [Fact]
    public void What_must_stay_stays_and_others_are_refused()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        int stored = 0;
        while (cache.Set(BitConverter.GetBytes(stored), new byte[1000], new CacheEntryOptions { Priority = CachePriority.NeverRemove }))
        {
            stored++;
        }

        Assert.InRange(stored, 800, 1048);
        Assert.False(cache.Set("other"u8, new byte[1000]));
        for (int i = 0; i < stored; i++)
        {
            Assert.True(cache.Contains(BitConverter.GetBytes(i)));
        }

        cache.Validate();
    }

    [Fact]
    public void A_runtime_that_is_short_of_frames_gets_them_from_the_cache()
    {
        using var small = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeCache(small, new NativeCacheOptions { SizeLimit = 48 << 20 });
        for (int i = 0; i < 40_000; i++)
        {
            cache.Set(BitConverter.GetBytes(i), new byte[1000]);
        }

        var blocks = new nint[40];
        small.Heap.AllocBulk(1 << 20, blocks);
        Assert.InRange(cache.Count, 1, 30_000);
        cache.Validate();
        small.Heap.FreeBulk(blocks);
    }

    [Fact]
    public void A_value_is_leased_over_its_end()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        byte[] value = new byte[500];
        new Random(1).NextBytes(value);
        cache.Set("k"u8, value);
        Assert.True(cache.TryGet("k"u8, out CacheLease lease));
        cache.Remove("k"u8);
        for (int i = 0; i < 5_000; i++)
        {
            cache.Set(BitConverter.GetBytes(i), new byte[500]);
        }

        Assert.True(lease.Span.SequenceEqual(value));
        InvalidOperationException? refused = null;
        try
        {
            cache.Dispose();
        }
        catch (InvalidOperationException thrown)
        {
            refused = thrown;
        }

        lease.Dispose();
        Assert.NotNull(refused);
        cache.Validate();
    }

    [Fact]
    public void A_writer_that_throws_leaves_the_entry()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        cache.Set("k"u8, new byte[100]);
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<NotSupportedException>(() => cache.TryGet("k"u8, new FailingWriter()));
        }

        Assert.True(cache.Contains("k"u8));
        Assert.True(cache.Remove("k"u8));
        cache.Validate();
    }

    [Fact]
    public void A_runtime_that_ends_first_ends_the_cache()
    {
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        var cache = new NativeCache(runtime);
        cache.Set("k"u8, new byte[100]);
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cache.Contains("k"u8));
        Assert.Throws<ObjectDisposedException>(() => cache.Set("k"u8, []));
        cache.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { new NativeCache(runtime).Dispose(); });
    }

    /// <summary>The system's own figure, of a process that does nothing else.</summary>
    [LinuxFact]
    public void A_process_does_not_grow_by_more_than_the_limit_and_shrinks_with_the_cache()
    {
        const long Limit = 128 << 20;

        // What is not the cache's: code that is compiled meanwhile, the frames that the runtime keeps at hand, what threads cache of blocks.
        const long Beside = 24 << 20;
        ChildResult result = ChildProcess.Run("cache-resident", [Limit.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        Assert.True(result.ExitCode == 0, result.Error);
        long[] bytes = [.. result.Output.Split(' ').Select(text => long.Parse(text, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.InRange(bytes[0], Limit / 2, Limit + Beside);
        Assert.InRange(bytes[1], 0, (Limit / 10) + Beside);
        Assert.InRange(bytes[2], 1, Limit / 5);
    }

    [OptimizedFact]
    public void A_hit_allocates_nothing()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        byte[] read = new byte[100];
        cache.Set("k"u8, read);
        Assert.True(cache.TryGet("k"u8, read, out _));
        Assert.True(cache.Set("k"u8, read));
        Assert.Equal(0, ManagedBytes.Least(Use));

        void Use()
        {
            for (int i = 0; i < 1000; i++)
            {
                cache.TryGet("k"u8, read, out _);
                cache.Set("k"u8, read);
                cache.Contains("l"u8);
            }
        }
    }

    private sealed class FailingWriter : IBufferWriter<byte>
    {
        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();
    }
}
