using System.Buffers;
using NativeMm.Caching;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Caching;

/// <summary>The platform refuses a call, each in turn; all from one on; or every so manieth.</summary>
public sealed class CacheFaultyPlatformTests
{
    [LinuxFact]
    public void Whatever_call_is_refused_nothing_is_lost_and_the_cache_goes_on()
    {
        int calls = Run(failing: 0, times: 0);
        Assert.InRange(calls, 5, 2000);
        for (int failing = 1; failing <= calls; failing++)
        {
            Run(failing, times: 1);
        }
    }

    [LinuxFact]
    public void When_everything_is_refused_from_a_call_on_what_is_there_stays_readable()
    {
        int calls = Run(failing: 0, times: 0);
        for (int failing = 1; failing <= calls; failing += 7)
        {
            Run(failing, times: int.MaxValue);
        }
    }

    [LinuxTheory]
    [InlineData(PlatformCall.Reserve, 2)]
    [InlineData(PlatformCall.Reserve, 3)]
    [InlineData(PlatformCall.Open, 2)]
    [InlineData(PlatformCall.Open, 3)]
    [InlineData(PlatformCall.Discard, 2)]
    [InlineData(PlatformCall.Release, 2)]
    [InlineData(PlatformCall.Release, 3)]
    [InlineData(PlatformCall.Release, 7)]
    public void When_every_so_manieth_call_is_refused_the_cache_goes_on(PlatformCall kind, int period)
    {
        int calls = Run(failing: 0, times: 0);
        for (int first = 1; first <= period; first++)
        {
            Run(first, times: 1, kind, again: calls, period);
        }
    }

    /// <summary>It is put together before it is stored.</summary>
    [LinuxFact]
    public void A_value_in_pieces_that_no_memory_is_there_for_is_not_stored_and_the_old_one_gone()
    {
        var platform = new FaultyPlatform();
        using (var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false }, platform, isShared: false))
        using (var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 48 << 20 }))
        {
            Assert.True(cache.Set("key"u8, new byte[100]));
            platform.FailCall(1, times: int.MaxValue);
            ReadOnlySequence<byte> value = Sequences.Of(new byte[3 << 20], new byte[3 << 20]);
            Assert.False(cache.Set("key"u8, in value));
            Assert.False(cache.Contains("key"u8));
            Assert.Equal(1, cache.GetStatistics().Refusals);
            platform.FailNothing();
            Assert.True(cache.Set("key"u8, in value));
            cache.Validate();
        }

        platform.AssertNothingLeaked();
    }

    private static int Run(int failing, int times, PlatformCall? kind = null, int again = 0, int period = 1)
    {
        var platform = new FaultyPlatform();
        var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false }, platform, isShared: false);
        int before = platform.TotalCalls;
        if (failing != 0)
        {
            platform.FailCall(failing, kind: kind, times: times);
        }

        int refused = 0;
        platform.Entering = _ =>
        {
            // The one that was refused is behind: the next one comes a period later.
            if (platform.Failures > refused && refused < again)
            {
                refused = platform.Failures;
                platform.FailCall(period, kind: kind);
            }
        };

        int calls = 0;
        try
        {
            using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 8 << 20 });
            Use(cache);
            calls = platform.TotalCalls - before;
            platform.Entering = null;
            platform.FailNothing();
            cache.Validate();
            Assert.InRange(cache.GetStatistics().UsedBytes, 0, 8 << 20);
            Assert.True(cache.Set("again"u8, "there"u8));
        }
        catch (OutOfMemoryException)
        {
            // The cache could not be made: it says so, and leaves nothing behind.
            Assert.NotEqual(0, failing);
        }

        platform.Entering = null;
        platform.FailNothing();
        runtime.Validate();
        runtime.Dispose();
        platform.AssertNothingLeaked();
        return calls;
    }

    private static void Use(NativeCache cache)
    {
        byte[] read = new byte[3 << 20];
        for (int key = 0; key < 3000; key++)
        {
            byte[] name = BitConverter.GetBytes(key);
            int length = key % 500 == 0 ? 3 << 20 : key % 50 == 0 ? 100_000 : key % 700;
            var value = new byte[length];
            value.AsSpan().Fill((byte)key);
            if (cache.Set(name, value))
            {
                Assert.True(cache.TryGet(name, read, out int bytes));
                Assert.Equal(length, bytes);
                Assert.Equal(-1, read.AsSpan(0, bytes).IndexOfAnyExcept((byte)key));
            }
            else
            {
                Assert.False(cache.Contains(name));
            }
        }

        // Most of it goes, and the index with it.
        for (int key = 100; key < 3000; key++)
        {
            cache.Remove(BitConverter.GetBytes(key));
        }

        _ = cache.Trim();
    }
}
