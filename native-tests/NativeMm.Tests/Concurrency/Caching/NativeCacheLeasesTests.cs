using System.Runtime.CompilerServices;
using NativeMm.AddressSpaces;
using NativeMm.Caching;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Concurrency.Caching;

public sealed class NativeCacheLeasesTests : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });

    public void Dispose() => _runtime.Dispose();

    /// <summary>More leases than a look at them holds, and more records than wait for their readers: whoever writes does not wait for whoever reads.</summary>
    [Fact]
    public async Task Any_number_of_leases_delays_nobody_who_writes()
    {
        const int Threads = 172;
        const int Keys = Threads * AccessSlot.LeasesMax;
        const int Others = 100;
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 4 << 20 });
        for (int i = 0; i < Keys + Others; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), BitConverter.GetBytes(i)));
        }

        using var arrived = new CountdownEvent(Threads);
        using var release = new ManualResetEventSlim();
        bool[] intact = new bool[Threads];
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(
            () => intact[number] = Hold(cache, number * AccessSlot.LeasesMax, AccessSlot.LeasesMax, arrived, release), 256 << 10) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        try
        {
            Assert.True(arrived.Wait(s_timeout));
            await Task.Run(() =>
            {
                for (int i = 0; i < 4 * Keys; i++)
                {
                    Assert.True(cache.Set(BitConverter.GetBytes(i % Keys), BitConverter.GetBytes(-1)));
                }
            }).WaitAsync(s_timeout);
            Assert.Equal(Keys + Others, cache.Count);
        }
        finally
        {
            release.Set();
            Array.ForEach(threads, thread => Assert.True(thread.Join(s_timeout)));
        }

        Assert.DoesNotContain(false, intact);
        cache.Validate();
    }

    [Fact]
    public async Task A_lease_that_nobody_ended_does_not_stop_the_finalizers()
    {
        using var leaked = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            Leak(_runtime);
            leaked.Set();
            release.Wait(s_timeout);
        })
        {
            IsBackground = true,
        };
        thread.Start();
        try
        {
            Assert.True(leaked.Wait(s_timeout));
            GC.Collect();
            await Task.Run(GC.WaitForPendingFinalizers).WaitAsync(TimeSpan.FromSeconds(20));
        }
        finally
        {
            release.Set();
            Assert.True(thread.Join(s_timeout));
        }
    }

    private static bool Hold(NativeCache cache, int key, int left, CountdownEvent arrived, ManualResetEventSlim release)
    {
        if (left == 0)
        {
            arrived.Signal();
            return release.Wait(s_timeout + s_timeout);
        }

        if (!cache.TryGet(BitConverter.GetBytes(key), out CacheLease lease))
        {
            return false;
        }

        using (lease)
        {
            return Hold(cache, key + 1, left - 1, arrived, release) && BitConverter.ToInt32(lease.Span) == key;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Leak(MemoryRuntime runtime)
    {
        var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 1 << 20 });
        cache.Set("k"u8, [1]);
        cache.TryGet("k"u8, out CacheLease _);
    }
}
