using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Extensions.Tests.Support;
using NativeMm.Platform;
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

    private static int ResidentPages(byte[] array)
    {
        nuint first = Memories.AddressOf(array);
        AddressRange pages = new AddressRange(first, (nuint)array.Length).WholePages((nuint)Environment.SystemPageSize);
        Assert.True(SystemPlatform.Current.CountResident(pages.Address, pages.Bytes, out nuint resident).Succeeded);
        return (int)resident;
    }
}
