using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Extensions.Tests.Support;
using NativeMm.Platform;
using NativeMm.Slabs;
using Xunit;

namespace NativeMm.Extensions.Tests.Pools;

public sealed class NativeArrayPoolTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Lengths_are_those_of_the_shared_pool_of_the_framework()
    {
        using var pool = new NativeArrayPool();
        int[] sizes = [0, 1, 15, 16, 17, 31, 32, 33, 1000, 4096, 4097, 16_384, 100_000, 1 << 20, (1 << 20) + 1];
        Assert.Equal(sizes.Select(size => ArrayPool<byte>.Shared.Rent(size).Length), sizes.Select(size => pool.Rent(size).Length));
    }

    [Fact]
    public void Errors_are_those_of_the_shared_pool_of_the_framework()
    {
        ArrayPool<byte>[] pools = [ArrayPool<byte>.Shared, new NativeArrayPool()];
        Assert.All(pools, pool => Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(-1)));
        Assert.All(pools, pool => Assert.Throws<ArgumentNullException>(() => pool.Return(null!)));
        Assert.All(pools, pool => Assert.Throws<ArgumentException>(() => pool.Return(new byte[1000])));
        Assert.All(pools, pool => pool.Return([]));
    }

    [Fact]
    public void Returned_array_is_rented_again_and_cleared_if_asked()
    {
        using var pool = new NativeArrayPool();
        byte[] array = pool.Rent(100_000);
        array.AsSpan().Fill(3);
        pool.Return(array, clearArray: true);
        Assert.Same(array, pool.Rent(100_000));
        Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Pages_of_idle_arrays_go_back_and_the_arrays_stay_usable()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions(), "test", _time, SystemPlatform.Current, isShared: false);
        byte[][] arrays = [.. Enumerable.Range(0, 64).Select(_ => pool.Rent(256 << 10))];
        Array.ForEach(arrays, array => array.AsSpan().Fill(1));
        Array.ForEach(arrays, array => pool.Return(array));
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(0, pool.GetStatistics().PooledBytes);

        // The first page and the last are shared with neighbours, and stay.
        Assert.All(arrays, array => Assert.InRange(ResidentPages(array), 0, 2));
        byte[] again = pool.Rent(256 << 10);
        Assert.Contains(again, arrays);
        again.AsSpan().Fill(2);
        pool.Return(again);
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(0, pool.GetStatistics().ReservedBytes);
    }

    [Fact]
    public void Disposed_pool_takes_arrays_back_and_rents_no_more()
    {
        var pool = new NativeArrayPool();
        byte[][] arrays = [pool.Rent(100), pool.Rent(100_000)];
        pool.Dispose();
        Array.ForEach(arrays, array => pool.Return(array, clearArray: true));
        Assert.All((int[])[0, 1, 100_000, int.MaxValue], size => Assert.Throws<ObjectDisposedException>(() => pool.Rent(size)));
        Assert.Equal(0, pool.Trim());
        AssertNothingIsLeft(pool);
        pool.Dispose();
        NativeArrayPool.Shared.Dispose();
        NativeArrayPool.Shared.Return(NativeArrayPool.Shared.Rent(1));
    }

    [Fact]
    public void Array_whose_pages_the_system_keeps_counts_until_the_collector_has_it()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions(), "test", _time, new RefusingDiscards(), isShared: false);
        pool.Return(pool.Rent(256 << 10));
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(256 << 10, pool.GetStatistics().PooledBytes);
        _time.Advance(TimeSpan.FromMinutes(3));
        AssertNothingIsLeft(pool);
    }

    [Fact]
    public async Task Arrays_that_come_back_during_a_trim_are_neither_lost_nor_counted_twice()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions(), "test", _time, SystemPlatform.Current, isShared: false);
        using var start = new Barrier(3);
        Task[] workers = [.. Enumerable.Range(0, 3).Select(number => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(number);
                Assert.True(start.SignalAndWait(TimeSpan.FromSeconds(60)));
                for (int step = 0; step < 2000; step++)
                {
                    byte[] array = pool.Rent(1 << random.Next(10, 18));
                    array[0] = (byte)number;
                    pool.Return(array);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        var all = Task.WhenAll(workers);
        while (!all.IsCompleted)
        {
            pool.Trim();
            ((IIdlePass)pool).RunIdlePass();
        }

        await all.WaitAsync(TimeSpan.FromSeconds(60));
        pool.Trim();
        AssertNothingIsLeft(pool);
    }

    [Fact]
    public async Task What_a_renter_wrote_stays_while_passes_take_idle_arrays()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions(), "test", _time, SystemPlatform.Current, isShared: false);
        Task[] renters = [.. Enumerable.Range(1, 3).Select(number => Task.Factory.StartNew(
            () =>
            {
                for (int step = 0; step < 3000; step++)
                {
                    byte[][] arrays = [pool.Rent(32 << 10), pool.Rent(32 << 10)];
                    Array.ForEach(arrays, array => array.AsSpan().Fill((byte)number));
                    Thread.SpinWait(step % 50);
                    Assert.All(arrays, array => Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept((byte)number)));
                    Array.ForEach(arrays, array => pool.Return(array));
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        var all = Task.WhenAll(renters);
        while (!all.IsCompleted)
        {
            pool.Trim();
        }

        await all.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void Arrays_that_other_threads_return_are_counted_and_rented_again()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions(), "test", _time, SystemPlatform.Current, isShared: false);
        byte[][] arrays = [.. Enumerable.Range(0, 20).Select(_ => pool.Rent(50_000))];
        Assert.Equal(20, pool.GetStatistics().RentsNow);
        Assert.Equal(20 * 65_536, pool.GetStatistics().RentedNowBytes);
        foreach (byte[] array in arrays)
        {
            var returner = new Thread(() => pool.Return(array));
            returner.Start();
            Assert.True(returner.Join(TimeSpan.FromSeconds(60)));
        }

        BufferPoolStatistics idle = pool.GetStatistics();
        Assert.Equal((0, 0, 20 * 65_536), (idle.RentsNow, idle.RentedNowBytes, idle.PooledBytes));
        byte[][] again = [.. Enumerable.Range(0, 20).Select(_ => pool.Rent(50_000))];
        Assert.Equal(arrays.ToHashSet(), again.ToHashSet());
    }

    [Fact]
    public async Task Arrays_that_come_back_during_the_disposal_are_not_kept()
    {
        for (int round = 0; round < 50; round++)
        {
            var pool = new NativeArrayPool();
            byte[][] arrays = [.. Enumerable.Range(0, 40).Select(i => pool.Rent(i % 2 == 0 ? 64 : 32 << 10))];
            using var start = new Barrier(2);
            Task returns = Task.Factory.StartNew(
                () =>
                {
                    Assert.True(start.SignalAndWait(TimeSpan.FromSeconds(60)));
                    Array.ForEach(arrays, array => pool.Return(array));
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            Assert.True(start.SignalAndWait(TimeSpan.FromSeconds(60)));
            pool.Dispose();
            await returns.WaitAsync(TimeSpan.FromSeconds(60));
            AssertNothingIsLeft(pool);
        }
    }

    [Fact]
    public void Array_that_the_checked_mode_finds_written_to_is_not_rented()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions { Checked = true });
        byte[] array = pool.Rent(100_000);
        pool.Return(array);
        array[5] = 1;
        Assert.Throws<MemoryFaultException>(() => pool.Rent(100_000));
        AssertNothingIsLeft(pool);
        Assert.NotSame(array, pool.Rent(100_000));
    }

    /// <summary>As the framework's pool does, it takes arrays of other makers, and of its own twice; its figures must not go below nothing.</summary>
    [Fact]
    public void Arrays_that_were_not_rented_leave_figures_that_make_sense()
    {
        using var pool = new NativeArrayPool();
        for (int i = 0; i < 3; i++)
        {
            pool.Return(new byte[1 << 20]);
        }

        BufferPoolStatistics now = pool.GetStatistics();
        Assert.Equal((0, 0, 3 << 20, 3 << 20), (now.RentsNow, now.RentedNowBytes, now.PooledBytes, now.ReservedBytes));
        byte[] array = pool.Rent(1 << 20);
        pool.Return(array);
        pool.Return(array);
        Assert.Equal(4 << 20, pool.Trim());
        now = pool.GetStatistics();
        Assert.Equal((0, 0, 0, 0), (now.RentsNow, now.RentedNowBytes, now.PooledBytes, now.ReservedBytes));
    }

    [Fact]
    public void Checked_mode_names_mistakes()
    {
        using var pool = new NativeArrayPool(new BufferPoolOptions { Checked = true }, "mine");
        byte[] array = pool.Rent(100);
        pool.Return(array);
        Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => pool.Return(array)).Kind);
        array[5] = 1;
        var late = Assert.Throws<MemoryFaultException>(() => pool.Rent(100));
        Assert.Equal(MemoryFaultKind.UseAfterFree, late.Kind);
        Assert.Contains("byte 5", late.Message, StringComparison.Ordinal);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => pool.Return(new byte[128])).Kind);
    }

    private static void AssertNothingIsLeft(NativeArrayPool pool)
    {
        BufferPoolStatistics now = pool.GetStatistics();
        Assert.Equal((0, 0, 0, 0), (now.RentsNow, now.RentedNowBytes, now.PooledBytes, now.ReservedBytes));
        Assert.Equal(now.AllocatedBytes, now.EvictedBytes);
    }

    private static int ResidentPages(byte[] array)
    {
        nuint first = Memories.AddressOf(array);
        AddressRange pages = new AddressRange(first, (nuint)array.Length).WholePages((nuint)Environment.SystemPageSize);
        Assert.True(SystemPlatform.Current.CountResident(pages.Address, pages.Bytes, out nuint resident).Succeeded);
        return (int)resident;
    }
}
