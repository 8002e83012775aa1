using System.Buffers;
using System.Runtime.InteropServices;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>The longest values and keys, and those just beyond.</summary>
public sealed unsafe class NativeCacheExtremesTests
{
    private const int Gibibyte = 1 << 30;

    /// <summary>Set, read by every call, expired, evicted, refused under a limit that is a page too low.</summary>
    [LinuxFact]
    public void A_value_of_a_gibibyte_lives_as_any_other()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 256 << 20, BackgroundTrim = false });
        var clock = new TestClock();

        // The system's zeroes: pages that nobody writes take no memory.
        void* zeroes = NativeMemory.AllocZeroed(Gibibyte);
        try
        {
            var value = new ReadOnlySpan<byte>(zeroes, Gibibyte);
            long charge;
            using (var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 2L << 30, MaxEntryBytes = 2L << 30, TimeProvider = clock }))
            {
                Assert.True(cache.Set("small"u8, new byte[100]));
                long before = cache.GetStatistics().UsedBytes;
                Assert.True(cache.Set("large"u8, value, new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1) }));
                charge = cache.GetStatistics().UsedBytes - before;
                Assert.InRange(charge, Gibibyte, Gibibyte + (4 << 20));
                AssertReadable(cache);

                clock.Advance(1000);
                Assert.False(cache.Contains("large"u8));
                _ = cache.Trim();
                Assert.InRange(cache.GetStatistics().UsedBytes, 0, before + (1 << 20));

                // The second one makes the first one go.
                Assert.True(cache.Set("first"u8, value));
                Assert.True(cache.Set("second"u8, value));
                Assert.False(cache.Contains("first"u8));
                Assert.True(cache.Contains("second"u8));
                cache.Validate();
            }

            using var low = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = charge, MaxEntryBytes = 2L << 30 });
            Assert.True(low.Set("large"u8, new byte[100]));
            Assert.True(low.Set("other"u8, new byte[100]));
            Assert.False(low.Set("large"u8, value));
            Assert.False(low.Contains("large"u8));
            Assert.True(low.Contains("other"u8));
            Assert.Equal(1, low.GetStatistics().Refusals);
            Assert.InRange(low.GetStatistics().UsedBytes, 0, 4 << 20);
            low.Validate();
        }
        finally
        {
            NativeMemory.Free(zeroes);
        }

        runtime.Trim();
        Assert.Equal(0ul, runtime.GetStatistics().CacheBytes);
    }

    [Fact]
    public void A_byte_more_than_the_longest_key_or_value_is_refused_by_name_and_never_found()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 8 << 20 });
        byte[] keys = new byte[(2 * NativeCacheOptions.KeyBytesMax) + 16];
        Assert.True(cache.Set([], "empty"u8));
        Assert.True(cache.Set(keys.AsSpan(0, 15), "short"u8));
        Assert.True(cache.Set(keys.AsSpan(0, NativeCacheOptions.KeyBytesMax), "longest"u8));

        // Lengths that are one of those once their upper bits are lost.
        foreach (int length in (int[])[65_537, 65_536 + 15, 131_072, 131_072 + 15])
        {
            byte[] key = keys[..length];
            Assert.Throws<ArgumentOutOfRangeException>("key", () => cache.Set(key, []));
            Assert.False(cache.TryGet(key, new byte[10], out _));
            Assert.False(cache.Contains(key) || cache.Refresh(key) || cache.Remove(key), $"A key of {length} bytes was found.");
        }

        Assert.Equal(3, cache.Count);
        Assert.True(cache.Remove(keys.AsSpan(0, NativeCacheOptions.KeyBytesMax)));
        void* beyond = NativeMemory.AllocZeroed((nuint)NativeCacheOptions.ValueBytesMax + 1);
        try
        {
            Assert.Throws<ArgumentOutOfRangeException>("value", () => cache.Set("k"u8, new ReadOnlySpan<byte>(beyond, NativeCacheOptions.ValueBytesMax + 1)));
        }
        finally
        {
            NativeMemory.Free(beyond);
        }

        cache.Validate();
    }

    /// <summary>The writer throws at its n-th call, for every n, and never twice at the same place: entry, counts and leases stay as they were.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(20_000)]
    [InlineData(3_000_000)]
    public void A_writer_that_throws_at_any_call_leaves_everything_as_it_was(int length)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 16 << 20 });
        byte[] value = new byte[length];
        new Random(length).NextBytes(value);
        Assert.True(cache.Set("k"u8, value));
        long used = cache.GetStatistics().UsedBytes;
        int calls = 0;
        for (int failing = 1; ; failing++)
        {
            var writer = new FailingWriter(failing);
            try
            {
                Assert.True(cache.TryGet("k"u8, writer));
                Assert.Equal(value, writer.Written);
                calls = failing - 1;
                break;
            }
            catch (NotSupportedException)
            {
                Assert.True(value.AsSpan().StartsWith(writer.Written), "What was written is not the value's begin.");
            }
        }

        Assert.InRange(calls, length == 0 ? 0 : 2, 2 + (2 * length / FailingWriter.PieceBytes));
        Assert.Equal(used, cache.GetStatistics().UsedBytes);
        Assert.True(cache.Remove("k"u8));
        cache.Validate();
    }

    private static void AssertReadable(NativeCache cache)
    {
        var writer = new CountingWriter();
        Assert.True(cache.TryGet("large"u8, writer));
        Assert.Equal(Gibibyte, writer.Count);
        Assert.True(cache.TryGet("large"u8, out CacheLease lease));
        int length = lease.Length;
        int other = lease.Span.IndexOfAnyExcept((byte)0);
        lease.Dispose();
        Assert.Equal((Gibibyte, -1), (length, other));
        Assert.False(cache.TryGet("large"u8, new byte[100], out int needed));
        Assert.Equal(Gibibyte, needed);
    }

    private sealed class CountingWriter : IBufferWriter<byte>
    {
        private readonly byte[] _piece = new byte[1 << 20];

        public long Count { get; private set; }

        public void Advance(int count) => Count += count;

        public Memory<byte> GetMemory(int sizeHint = 0) => _piece;

        public Span<byte> GetSpan(int sizeHint = 0) => _piece;
    }

    private sealed class FailingWriter(int failing) : IBufferWriter<byte>
    {
        public const int PieceBytes = 100_000;

        private readonly byte[] _piece = new byte[PieceBytes];
        private readonly ArrayBufferWriter<byte> _written = new();
        private int _calls;

        public byte[] Written => _written.WrittenSpan.ToArray();

        public void Advance(int count)
        {
            ThrowIfItsTurn();
            _written.Write(_piece.AsSpan(0, count));
        }

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            ThrowIfItsTurn();
            return _piece;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        private void ThrowIfItsTurn()
        {
            if (++_calls == failing)
            {
                throw new NotSupportedException();
            }
        }
    }
}
