using System.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Caching;

/// <summary>The end of a cache waits for calls of others, whatever they call, and is refused where it would wait for itself.</summary>
public sealed class NativeCacheEndTests : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 128 << 20, BackgroundTrim = false });

    public void Dispose() => _runtime.Dispose();

    [Theory]
    [InlineData("a writer")]
    [InlineData("a writer, compressed")]
    [InlineData("a copy, compressed")]
    [InlineData("a lease, compressed")]
    [InlineData("a set, compressed")]
    [InlineData("a set, in pieces")]
    [InlineData("a listener")]
    [InlineData("a clock")]
    public async Task The_end_waits_for_a_call_that_is_under_way(string call)
    {
        using var arrived = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        void Park()
        {
            arrived.Set();
            Assert.True(release.Wait(s_timeout));
        }

        NativeCache cache = Make(call, Park);
        Task<bool> under = Task.Run(() => Call(cache, call, Park));
        Task? end = null;
        try
        {
            Assert.True(arrived.Wait(s_timeout));
            end = Task.Run(cache.Dispose);
            await Task.WhenAny(end, Task.Delay(100));
            Assert.False(end.IsCompleted, $"The end did not wait: {end.Exception?.Message}");
        }
        finally
        {
            release.Set();
        }

        Assert.True(await under.WaitAsync(s_timeout));
        await end.WaitAsync(s_timeout);
        Assert.Throws<ObjectDisposedException>(() => cache.Contains("k"u8));
        Assert.Equal(0ul, _runtime.GetStatistics().CacheBytes);
    }

    [Theory]
    [InlineData("a writer")]
    [InlineData("a writer, compressed")]
    [InlineData("a copy, compressed")]
    [InlineData("a lease, compressed")]
    [InlineData("a set, compressed")]
    [InlineData("a set, in pieces")]
    [InlineData("a listener")]
    [InlineData("a clock")]
    public void From_inside_of_a_call_the_end_is_refused(string call)
    {
        NativeCache? cache = null;
        int refused = 0;
        void Inside()
        {
            foreach (Action end in (Action[])[cache!.Dispose, _runtime.Dispose])
            {
                Assert.Throws<InvalidOperationException>(end);
                refused++;
            }
        }

        cache = Make(call, Inside);
        Assert.True(Call(cache, call, Inside));
        Assert.Equal(2, refused);
        Assert.True(cache.Contains("k"u8));
        cache.Validate();
        cache.Dispose();
    }

    /// <summary>The other thread waits for this one: if this one waited for the end as well, neither would go on.</summary>
    [Theory]
    [InlineData("a writer")]
    [InlineData("a copy, compressed")]
    [InlineData("a set, compressed")]
    [InlineData("a set, in pieces")]
    [InlineData("a listener")]
    [InlineData("a clock")]
    public async Task From_inside_of_a_call_the_end_is_refused_while_another_thread_ends_the_cache(string call)
    {
        NativeCache? cache = null;
        Task? end = null;
        int refused = 0;
        void Inside()
        {
            end = Task.Run(cache!.Dispose);
            Assert.True(SpinWait.SpinUntil(() => Record.Exception(() => cache.Count) is ObjectDisposedException, s_timeout));
            Assert.Throws<InvalidOperationException>(cache.Dispose);
            refused++;
        }

        cache = Make(call, Inside);
        Task<bool> under = Task.Run(() => Call(cache, call, Inside));
        Assert.True(await under.WaitAsync(s_timeout));
        await end!.WaitAsync(s_timeout);
        Assert.Equal(1, refused);
        cache.Dispose();
    }

    [Fact]
    public void A_lease_on_a_restored_value_is_a_lease()
    {
        var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 8 << 20, Codec = new TestPageCodec(), CompressFromBytes = 64 });
        byte[] value = new byte[10_000];
        cache.Set("k"u8, value);
        Assert.True(cache.TryGet("k"u8, out CacheLease lease));
        Exception? cacheRefused = Record.Exception(cache.Dispose);
        Exception? runtimeRefused = Record.Exception(_runtime.Dispose);
        Assert.True(lease.Span.SequenceEqual(value));
        lease.Dispose();
        Assert.IsType<InvalidOperationException>(cacheRefused);
        Assert.IsType<InvalidOperationException>(runtimeRefused);
        cache.Dispose();
    }

    [Fact]
    public void Copies_of_large_values_do_not_keep_a_cache_from_ending()
    {
        byte[] value = new byte[1 << 20];
        for (int round = 0; round < 30; round++)
        {
            var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 8 << 20 });
            Assert.True(cache.Set("k"u8, value));
            StartGate.Run(3, thread =>
            {
                if (thread == 0)
                {
                    Thread.SpinWait(20_000);
                    cache.Dispose();
                    return;
                }

                byte[] read = new byte[value.Length];
                Action copy = () =>
                {
                    while (cache.TryGet("k"u8, read, out _))
                    {
                    }
                };
                Assert.Throws<ObjectDisposedException>(copy);
            });
        }
    }

    private NativeCache Make(string call, Action inside)
    {
        bool compresses = call.EndsWith("compressed", StringComparison.Ordinal);
        bool isOn = false;
        void Once()
        {
            if (isOn)
            {
                inside();
            }
        }

        var codec = new TestPageCodec();
        var cache = new NativeCache(_runtime, new NativeCacheOptions
        {
            SizeLimit = 8 << 20,
            Codec = compresses ? codec : null,
            CompressFromBytes = 64,
            TimeProvider = call == "a clock" ? new CallingClock(Once) : TimeProvider.System,
            Evicted = call == "a listener" ? (in CacheEviction _) => Once() : null,
        });
        Assert.True(cache.Set("k"u8, new byte[10_000]));
        isOn = true;
        codec.Compressing = call.StartsWith("a set", StringComparison.Ordinal) ? inside : null;
        codec.Decompressing = call is "a copy, compressed" or "a lease, compressed" ? inside : null;
        return cache;
    }

    private static bool Call(NativeCache cache, string call, Action inside)
    {
        switch (call)
        {
            case "a writer" or "a writer, compressed":
                return cache.TryGet("k"u8, new CallingWriter(inside));
            case "a copy, compressed":
                return cache.TryGet("k"u8, new byte[10_000], out _);
            case "a lease, compressed":
                bool found = cache.TryGet("k"u8, out CacheLease lease);
                lease.Dispose();
                return found;
            case "a set, in pieces":
                using (var memory = new CallingMemory(inside))
                {
                    return cache.Set("k"u8, Sequences.Of(new byte[5_000], memory.Memory));
                }

            default:
                return cache.Set("k"u8, new byte[10_000]);
        }
    }

    private sealed class CallingClock(Action asked) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            asked();
            return base.GetUtcNow();
        }
    }

    private sealed class CallingWriter(Action inside) : IBufferWriter<byte>
    {
        private readonly byte[] _buffer = new byte[1 << 16];

        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => _buffer;

        public Span<byte> GetSpan(int sizeHint = 0)
        {
            inside();
            return _buffer;
        }
    }

    /// <summary>Memory of a program's own, which is asked for its bytes.</summary>
    private sealed class CallingMemory(Action inside) : MemoryManager<byte>
    {
        private readonly byte[] _bytes = new byte[5_000];

        public override Memory<byte> Memory => CreateMemory(_bytes.Length);

        public override Span<byte> GetSpan()
        {
            inside();
            return _bytes;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
