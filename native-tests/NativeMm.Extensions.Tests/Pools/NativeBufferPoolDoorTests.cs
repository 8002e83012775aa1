using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Extensions.Tests.Pools;

/// <summary>Buffers that come back by another way than they went, more than once, or after the end of their pool.</summary>
public sealed class NativeBufferPoolDoorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Buffer_of_an_owner_is_not_taken_back_by_its_address(bool isChecked)
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = isChecked }, "mine");
        IMemoryOwner<byte> owner = pool.RentMemory(100);
        owner.Memory.Span.Fill(7);
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => pool.Return(owner.Memory.Span, clearBuffer: true));
        Assert.Equal(MemoryFaultKind.ForeignPointer, fault.Kind);
        Assert.Contains("RentMemory", fault.Message, StringComparison.Ordinal);
        Assert.Contains("'mine'", fault.Message, StringComparison.Ordinal);

        // Its renter has it as before, alone.
        ArraySegment<byte> other = pool.RentSegment(100);
        other.AsSpan().Fill(9);
        Assert.Equal(-1, owner.Memory.Span.IndexOfAnyExcept((byte)7));
        owner.Dispose();
        Assert.Equal(-1, other.AsSpan().IndexOfAnyExcept((byte)9));
        pool.Return(other);
        pool.Trim();
        Assert.Equal(0, pool.GetStatistics().RentsNow);
    }

    [Fact]
    public void Late_disposal_of_an_owner_does_not_end_a_rent_by_address()
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = false });
        IMemoryOwner<byte> owner = pool.RentMemory(100);
        owner.Dispose();
        ArraySegment<byte> rented = pool.RentSegment(100);
        owner.Dispose();
        Assert.Equal(1, pool.GetStatistics().ExtraReturns);
        Assert.Equal(1, pool.GetStatistics().RentsNow);
        ArraySegment<byte> other = pool.RentSegment(100);
        Assert.False(rented.Array == other.Array && rented.Offset == other.Offset);
        pool.Return(rented);
        pool.Return(other);
        Assert.Equal(0, pool.GetStatistics().RentsNow);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Second_return_does_not_touch_the_bytes(bool isChecked)
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = isChecked });
        ArraySegment<byte> segment = pool.RentSegment(100);
        pool.Return(segment);
        byte before = segment[0] = 0xDD;
        Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => pool.Return(segment, clearBuffer: true)).Kind);
        Assert.Equal(before, segment[0]);
    }

    [Fact]
    public void Disposal_of_a_checked_pool_tells_of_writes_after_the_return_and_does_not_throw()
    {
        var pool = new NativeBufferPool(new BufferPoolOptions { Checked = true });
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 4).Select(_ => pool.RentMemory(100))];
        Memory<byte>[] late = [.. owners.Select(owner => owner.Memory)];
        Array.ForEach(owners, owner => owner.Dispose());
        Array.ForEach(late, memory => memory.Span[3] = 1);
        long before = MemoryFaultCounts.Of(MemoryFaultKind.UseAfterFree);
        pool.Dispose();
        Assert.InRange(MemoryFaultCounts.Of(MemoryFaultKind.UseAfterFree), before + 4, long.MaxValue);
        Assert.Equal((0, 0), (pool.GetStatistics().RentsNow, pool.GetStatistics().PooledBytes));
    }

    [Fact]
    public void Buffer_that_comes_back_after_the_disposal_gives_its_memory_back()
    {
        var time = new FakeTimeProvider();
        var pool = new NativeBufferPool(new BufferPoolOptions(), "test", time, SystemPlatform.Current, isShared: false);
        ArraySegment<byte> segment = pool.RentSegment(1 << 20);
        IMemoryOwner<byte> owner = pool.RentMemory(100);
        pool.Dispose();
        pool.Return(segment);
        owner.Dispose();
        time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(0, pool.GetStatistics().PooledBytes);
        time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(0, pool.GetStatistics().ReservedBytes);
    }
}
