using System.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Caching;

/// <summary>Many threads, and one key: every lookup by every call gives one whole value, and the last one that was set is there in the end.</summary>
public sealed class NativeCacheOneKeyTests : IDisposable
{
    private const int Threads = 32;
    private const int Rounds = 400;
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20 });

    public void Dispose() => _runtime.Dispose();

    [Theory]
    [InlineData(1, 200)]
    [InlineData(3000, 9000)]
    [InlineData(100, 200_000)]
    public void All_threads_use_one_key(int shortest, int longest)
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 16 << 20 });
        long found = 0;
        StartGate.Run(Threads, thread =>
        {
            var random = new Random(thread);
            byte[] bytes = new byte[longest];
            var writer = new ArrayBufferWriter<byte>(longest);
            for (int round = 0; round < Rounds; round++)
            {
                Interlocked.Add(ref found, Use(cache, random, bytes, writer, shortest) ? 1 : 0);
            }
        });

        Assert.InRange(found, Threads * Rounds / 10, Threads * Rounds);
        Assert.True(cache.Set("k"u8, "last"u8));
        Assert.Equal(1, cache.Count);
        Assert.True(cache.TryGet("k"u8, new byte[4], out _));
        Assert.True(cache.Remove("k"u8));
        Assert.Equal(0, cache.Count);
        _ = cache.Trim();
        cache.Validate();
    }

    /// <summary>One call of any kind.</summary>
    /// <returns>Whether it was a lookup that found something.</returns>
    private static bool Use(NativeCache cache, Random random, byte[] bytes, ArrayBufferWriter<byte> writer, int shortest)
    {
        switch (random.Next(8))
        {
            case 0:
                int length = random.Next(shortest, bytes.Length + 1);
                bytes.AsSpan(0, length).Fill((byte)length);
                Assert.True(cache.Set("k"u8, bytes.AsSpan(0, length)));
                return false;
            case 1 when random.Next(4) == 0:
                _ = cache.Remove("k"u8);
                return false;
            case 2 or 3:
                bool copied = cache.TryGet("k"u8, bytes, out int copiedLength);
                AssertWhole(copied ? bytes.AsSpan(0, copiedLength) : []);
                return copied;
            case 4 or 5:
                bool leased = cache.TryGet("k"u8, out CacheLease lease);
                AssertWhole(leased ? lease.Span : []);
                lease.Dispose();
                return leased;
            default:
                writer.ResetWrittenCount();
                bool written = cache.TryGet("k"u8, writer);
                AssertWhole(writer.WrittenSpan);
                return written;
        }
    }

    private static void AssertWhole(ReadOnlySpan<byte> value)
    {
        int other = value.IndexOfAnyExcept((byte)value.Length);
        Assert.True(other < 0, $"Byte {other} of {value.Length} is another value's.");
    }
}
