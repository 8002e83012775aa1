using System.Buffers;
using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using Xunit;

namespace NativeMm.Extensions.Tests.Pools;

public sealed class NativeBufferPoolTests
{
    [Fact]
    public void Span_comes_back_by_its_first_byte()
    {
        using var pool = new NativeBufferPool();
        Span<byte> buffer = pool.Rent(10_000);
        Assert.Equal(16_384, buffer.Length);
        pool.Return(buffer[..10_000]);
        Assert.Equal(0, pool.GetStatistics().RentsNow);
        ArraySegment<byte> segment = pool.RentSegment(5000);
        pool.Return(segment);
        pool.Return(default(Span<byte>));
        Assert.True(pool.Rent(0).IsEmpty);
        using (IMemoryOwner<byte> owner = pool.RentMemory(100))
        {
            Assert.Equal(4096, owner.Memory.Length);
        }

        Assert.Equal(0, pool.GetStatistics().RentsNow);
    }

    [Fact]
    public void As_a_memory_pool_it_rents_the_same_buffers_until_it_is_disposed_itself()
    {
        var pool = new NativeBufferPool();
        MemoryPool<byte> memory = pool.MemoryPool;
        memory.Dispose();
        Assert.Same(memory, pool.MemoryPool);
        using (IMemoryOwner<byte> smallest = memory.Rent())
        using (IMemoryOwner<byte> larger = memory.Rent(10_000))
        {
            Assert.Equal((4096, 16_384), (smallest.Memory.Length, larger.Memory.Length));
            Assert.True(MemoryMarshal.TryGetArray(larger.Memory, out ArraySegment<byte> _));
            Assert.Equal(2, pool.GetStatistics().RentsNow);
        }

        Assert.Equal(0, pool.GetStatistics().RentsNow);
        var refused = Assert.Throws<ArgumentOutOfRangeException>(() => memory.Rent(-2));
        Assert.Equal(("minBufferSize", -2), (refused.ParamName, refused.ActualValue));
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Rent());
    }

    [Fact]
    public void Cleared_at_its_return_a_buffer_reads_as_zero()
    {
        using var pool = new NativeBufferPool();
        Span<byte> buffer = pool.Rent(4096);
        buffer.Fill(5);
        pool.Return(buffer[..1], clearBuffer: true);
        Assert.Equal(-1, pool.Rent(4096).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Mistakes_are_named_by_what_they_are()
    {
        using var pool = new NativeBufferPool(name: "mine");
        var inside = Assert.Throws<MemoryFaultException>(() => pool.Return(pool.Rent(100)[16..]));
        Assert.Equal(MemoryFaultKind.NotBlockStart, inside.Kind);
        var foreign = Assert.Throws<MemoryFaultException>(() => pool.Return(new byte[100]));
        Assert.Equal(MemoryFaultKind.ForeignPointer, foreign.Kind);
        Assert.Contains("'mine'", foreign.Message, StringComparison.Ordinal);
        ArraySegment<byte> segment = pool.RentSegment(100);
        pool.Return(segment);
        var twice = Assert.Throws<MemoryFaultException>(() => pool.Return(segment));
        Assert.Equal(MemoryFaultKind.DoubleFree, twice.Kind);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Size_out_of_range_is_refused_by_its_value(int bytes)
    {
        using var pool = new NativeBufferPool();
        Assert.Contains($"{bytes}", Assert.Throws<ArgumentOutOfRangeException>(() => { pool.Rent(bytes); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Disposed_pool_takes_back_what_was_rented_and_rents_no_more()
    {
        var pool = new NativeBufferPool();
        ArraySegment<byte> rented = pool.RentSegment(100);
        pool.Dispose();
        rented.AsSpan().Fill(1);
        pool.Return(rented);
        Assert.Throws<ObjectDisposedException>(() => { pool.Rent(1); });
        NativeBufferPool.Shared.Dispose();
        NativeBufferPool.Shared.Return(NativeBufferPool.Shared.Rent(1));
    }

    [Theory]
    [InlineData(0, null, "BlockBytesMin")]
    [InlineData(3000, null, "3000")]
    [InlineData(2 << 20, null, "1048576")]
    [InlineData(4096, 1, "100 ms to 1 h")]
    [InlineData(4096, 3_600_001, "01:00:00.0010000")]
    public void Options_out_of_range_are_refused_by_name_value_and_range(int bytes, int? milliseconds, string part)
    {
        var options = new BufferPoolOptions { BlockBytesMin = bytes, IdleDelay = TimeSpan.FromMilliseconds(milliseconds ?? 5000) };
        Assert.Contains(part, Assert.Throws<ArgumentOutOfRangeException>(() => { new NativeBufferPool(options).Dispose(); }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checked_mode_names_a_double_return_with_both_stacks()
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = true, StackSampleInterval = 1 });
        IMemoryOwner<byte> owner = RentHere(pool);
        owner.Dispose();
        var fault = Assert.Throws<MemoryFaultException>(owner.Dispose);
        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Contains(nameof(RentHere), fault.Message, StringComparison.Ordinal);
        Assert.Contains("It was returned here:", fault.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);

        ArraySegment<byte> segment = pool.RentSegment(10);
        pool.Return(segment);
        Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => pool.Return(segment)).Kind);
        Assert.Equal(2, pool.GetStatistics().ExtraReturns);
    }

    [Fact]
    public void Checked_mode_names_a_write_after_the_return()
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = true, StackSampleInterval = 1 });
        IMemoryOwner<byte> owner = RentHere(pool);
        Memory<byte> late = owner.Memory;
        owner.Dispose();
        late.Span[77] = 1;
        var fault = Assert.Throws<MemoryFaultException>(() => pool.Trim());
        Assert.Equal(MemoryFaultKind.UseAfterFree, fault.Kind);
        Assert.Contains("byte 77", fault.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(RentHere), fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checked_mode_finds_a_buffer_that_nobody_returned()
    {
        using var pool = new NativeBufferPool(new BufferPoolOptions { Checked = true, StackSampleInterval = 1 });
        Forget(pool);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(1, pool.GetStatistics().Forgotten);
        Assert.Equal(0, pool.GetStatistics().RentsNow);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static IMemoryOwner<byte> RentHere(NativeBufferPool pool) => pool.RentMemory(100);

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Forget(NativeBufferPool pool) => _ = pool.RentMemory(100).Memory.Length;
}
