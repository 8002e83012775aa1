using System.Buffers;
using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>One buffer: shape, content, lifetime.</summary>
[Collection(ForgottenBuffersCollection.Name)]
public sealed unsafe class NativeBufferTests
{
    [Theory]
    [InlineData(0, false, 0)]
    [InlineData(1, true, 0)]
    [InlineData(1000, true, 64)]
    [InlineData(5000, false, 4096)]
    public void A_buffer_has_the_length_alignment_and_content_asked_for(int length, bool zeroed, int alignment)
    {
        using var buffer = new NativeBuffer<long>(length, zeroed, (nuint)alignment);
        Assert.Equal(length, buffer.Length);
        Assert.Equal(length * 8L, buffer.ByteLength);
        Assert.Equal(length, buffer.Span.Length);
        Assert.Equal(length, buffer.Memory.Length);
        Assert.Equal(0u, (nuint)buffer.Pointer % (nuint)Math.Max(alignment, 16));
        if (zeroed)
        {
            Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(0));
        }

        buffer.Span.Fill(-1);
        Assert.Equal(-1, buffer.Memory.Span.IndexOfAnyExcept(-1));
    }

    [Fact]
    public void All_views_show_the_same_memory()
    {
        using var buffer = new NativeBuffer<int>(100);
        buffer[42] = 7;
        Assert.Equal(7, buffer.Pointer[42]);
        Assert.Equal(7, buffer.Span[42]);
        Assert.Equal(7, buffer.Memory.Slice(42, 1).Span[0]);
        Assert.Equal(7, buffer.Slice(40, 10)[2]);
        using MemoryHandle pin = buffer.Memory[42..].Pin();
        Assert.Equal(7, *(int*)pin.Pointer);
        Assert.Equal(100, buffer.AsSequence().Length);
        Assert.Equal(7, buffer.AsSequence().Slice(42, 1).First.Span[0]);
    }

    [Fact]
    public void Bad_input_is_named_with_its_range()
    {
        Assert.Contains("holds 0 to", Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBuffer<int>(-1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBuffer<long>(long.MaxValue / 4));
        Assert.Contains("48", Assert.Throws<ArgumentException>(() => new NativeBuffer<int>(1, alignment: 48)).Message, StringComparison.Ordinal);
        using var buffer = new NativeBuffer<int>(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer[10]);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Slice(11, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Slice(5, 6));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Slice(5, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Pin(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Pin(-1));
        Assert.Equal(0, buffer.Slice(10, 0).Length);
    }

    [Fact]
    public void Dispose_returns_the_memory_once_and_every_use_after_it_throws()
    {
        using var heap = NewHeap();
        var buffer = new NativeBuffer<byte>(100, heap: heap);
        void* block = buffer.Pointer;
        Memory<byte> memory = buffer.Memory;
        Assert.True(heap.Owns(block));
        buffer.Dispose();
        Assert.False(heap.Owns(block));
        Assert.True(buffer.IsDisposed);
        Assert.Equal(100, buffer.Length);
        buffer.Dispose();
        ((IDisposable)buffer).Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
        Assert.Throws<ObjectDisposedException>(() => (nint)buffer.Pointer);
        Assert.Throws<ObjectDisposedException>(() => buffer[0]);
        Assert.Throws<ObjectDisposedException>(() => buffer.Slice(0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.AsSequence());
    }

    [Fact]
    public void A_buffer_may_be_disposed_after_its_heap()
    {
        NativeHeap heap = NewHeap();
        var buffer = new NativeBuffer<byte>(100, heap: heap);
        heap.Dispose();
        buffer.Dispose();
        Assert.True(buffer.IsDisposed);
    }

    [Fact]
    public void A_buffer_beyond_a_span_is_reached_by_slices_and_as_a_sequence()
    {
        const long Length = (1L << 31) + 10;
        using var buffer = new NativeBuffer<byte>(Length);
        buffer[Length - 1] = 9;
        Assert.Throws<InvalidOperationException>(() => buffer.Span.Length);
        Assert.Equal(9, buffer.Slice(Length - 5, 5)[4]);
        ReadOnlySequence<byte> sequence = buffer.AsSequence();
        Assert.Equal(Length, sequence.Length);
        Assert.False(sequence.IsSingleSegment);
        ReadOnlySequence<byte> tail = sequence.Slice(Length - 1);
        Assert.Equal(9, tail.First.Span[0]);
        using (MemoryHandle pin = tail.First.Pin())
        {
            Assert.True((byte*)pin.Pointer == buffer.Pointer + Length - 1);
        }

        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tail.First.Span.Length);
    }

    [Fact]
    public void A_forgotten_buffer_comes_back_and_is_counted()
    {
        using var heap = NewHeap();
        (long count, long bytes) = (ForgottenBuffers.Count, ForgottenBuffers.Bytes);
        nint block = Forget(heap);
        Assert.True(heap.Owns((void*)block));
        Finalizers.RunUntil(() => !heap.Owns((void*)block));
        Assert.True(ForgottenBuffers.Count > count);
        Assert.True(ForgottenBuffers.Bytes >= bytes + 400);
    }

    [Fact]
    public void A_pin_keeps_a_forgotten_buffer_alive()
    {
        using var heap = NewHeap();
        MemoryHandle pin = Pinned(heap);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(heap.Owns(pin.Pointer));
        pin.Dispose();
    }

    internal static NativeHeap NewHeap() => new();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Forget(NativeHeap heap) => (nint)new NativeBuffer<int>(100, heap: heap).Pointer;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryHandle Pinned(NativeHeap heap) => new NativeBuffer<int>(100, heap: heap).Pin();
}
