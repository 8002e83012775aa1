using System.Buffers;
using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>The growing writer.</summary>
[Collection(ForgottenBuffersCollection.Name)]
public sealed unsafe class NativeBufferWriterTests
{
    [Fact]
    public void What_is_written_survives_growth()
    {
        using var writer = new NativeBufferWriter<int>();
        for (int i = 0; i < 10_000; i++)
        {
            writer.GetSpan()[0] = i;
            writer.Advance(1);
        }

        Assert.Equal(Enumerable.Range(0, 10_000), writer.WrittenSpan.ToArray());
        Assert.Equal(Enumerable.Range(0, 10_000), writer.WrittenMemory.ToArray());
        Assert.Equal(10_000, writer.WrittenCount);
        Assert.Equal(writer.Capacity - 10_000, writer.FreeCapacity);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(5000, 5000)]
    public void There_is_room_for_what_was_asked(int hint, int least)
    {
        using var writer = new NativeBufferWriter<long>(initialCapacity: 3);
        Assert.True(writer.Capacity >= 3);
        writer.Advance(writer.FreeCapacity);
        Assert.True(writer.GetSpan(hint).Length >= least);
        Assert.True(writer.GetMemory(hint).Length >= least);
    }

    [Fact]
    public void Bad_input_is_named_and_loses_nothing()
    {
        using var writer = new NativeBufferWriter<byte>();
        Assert.Contains("not -1", Assert.Throws<ArgumentException>("initialCapacity", () => new NativeBufferWriter<byte>(-1)).Message, StringComparison.Ordinal);
        writer.Write([1, 2, 3]);
        Assert.Contains("not -1", Assert.Throws<ArgumentException>("sizeHint", () => writer.GetSpan(-1).Length).Message, StringComparison.Ordinal);
        int room = writer.FreeCapacity;
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => writer.Advance(room + 1));
        Assert.Contains($"has room for {room} more", error.Message, StringComparison.Ordinal);
        OutOfMemoryException full = Assert.Throws<OutOfMemoryException>(() => writer.GetSpan(int.MaxValue).Length);
        Assert.Contains($"together they may be {Array.MaxLength}", full.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], writer.WrittenSpan.ToArray());
    }

    [Fact]
    public void Memory_from_before_a_growth_keeps_its_block_until_the_writer_ends()
    {
        using var heap = NativeBufferTests.NewHeap();
        var writer = new NativeBufferWriter<byte>(10, heap);
        Memory<byte> free = writer.GetMemory();
        writer.Write([7]);
        ReadOnlyMemory<byte> written = writer.WrittenMemory;
        void* first = writer.WrittenMemory.Pin().Pointer;
        writer.GetSpan(writer.FreeCapacity + 1)[0] = 9;
        Assert.Equal(1, writer.WrittenMemory.Span.Length);
        Assert.NotEqual((nint)first, (nint)writer.WrittenMemory.Pin().Pointer);
        void* second = writer.WrittenMemory.Pin().Pointer;
        writer.GetSpan(writer.FreeCapacity + 1).Clear();
        Assert.Equal([7], written.ToArray());
        Assert.Equal(10, free.Span.Length);
        Assert.True(heap.Owns(first) && heap.Owns(second));
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => free.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => written.Pin());
        Assert.False(heap.Owns(first) || heap.Owns(second));
    }

    [Fact]
    public void A_growth_that_no_memory_looks_at_frees_the_block_at_once()
    {
        using var heap = NativeBufferTests.NewHeap();
        using var writer = new NativeBufferWriter<byte>(10, heap);
        void* first = Unsafe.AsPointer(ref writer.GetSpan()[0]);
        writer.GetSpan(1000);
        Assert.False(heap.Owns(first));
    }

    [Fact]
    public void In_checked_mode_memory_from_before_a_growth_throws()
    {
        using MemoryRuntime runtime = CheckedRuntime();
        using var writer = new NativeBufferWriter<byte>(10, runtime.Heap);
        Memory<byte> free = writer.GetMemory();
        writer.GetSpan(writer.FreeCapacity + 1);
        Assert.Throws<ObjectDisposedException>(() => free.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => free.Pin());
    }

    [Fact]
    public void Starting_again_keeps_the_block_and_clear_wipes_it()
    {
        using var writer = new NativeBufferWriter<byte>();
        writer.Write([1, 2, 3]);
        int capacity = writer.Capacity;
        ReadOnlyMemory<byte> old = writer.WrittenMemory;
        writer.ResetWrittenCount();
        Assert.Equal(0, writer.WrittenCount);
        Assert.Equal([1, 2, 3], old.ToArray());
        writer.Advance(3);
        writer.Clear();
        Assert.Equal([0, 0, 0], old.ToArray());
        Assert.Equal((0, capacity), (writer.WrittenCount, writer.Capacity));
    }

    [Fact]
    public void To_owner_detaches_and_the_writer_starts_anew()
    {
        using var heap = NativeBufferTests.NewHeap();
        using var writer = new NativeBufferWriter<int>(1000, heap);
        writer.Write([1, 2, 3]);
        ReadOnlyMemory<int> stale = writer.WrittenMemory;
        NativeBuffer<int> owner = writer.ToOwner();
        Assert.Equal([1, 2, 3], owner.Span.ToArray());
        Assert.Throws<ObjectDisposedException>(() => stale.Span.Length);
        Assert.Equal((0, 0), (writer.WrittenCount, writer.Capacity));
        writer.Write([9]);
        Assert.Equal([1, 2, 3], owner.Span.ToArray());
        writer.Dispose();
        Assert.Equal([1, 2, 3], owner.Span.ToArray());
        void* block = owner.Pointer;
        owner.Dispose();
        Assert.False(heap.Owns(block));
    }

    [Fact]
    public void An_empty_writer_gives_an_empty_owner()
    {
        using var writer = new NativeBufferWriter<int>();
        Assert.True(writer.WrittenSpan.IsEmpty);
        Assert.True(writer.WrittenMemory.IsEmpty);
        writer.Clear();
        using NativeBuffer<int> owner = writer.ToOwner();
        Assert.Equal(0, owner.Length);
    }

    [Fact]
    public void After_dispose_every_call_throws()
    {
        using var heap = NativeBufferTests.NewHeap();
        var writer = new NativeBufferWriter<int>(10, heap);
        void* block = Unsafe.AsPointer(ref writer.GetSpan()[0]);
        Memory<int> memory = writer.GetMemory();
        writer.Dispose();
        writer.Dispose();
        Assert.False(heap.Owns(block));
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => writer.GetSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => writer.GetMemory());
        Assert.Throws<ObjectDisposedException>(() => writer.Advance(0));
        Assert.Throws<ObjectDisposedException>(() => writer.WrittenSpan.Length);
        Assert.Throws<ObjectDisposedException>(() => writer.WrittenMemory);
        Assert.Throws<ObjectDisposedException>(writer.Clear);
        Assert.Throws<ObjectDisposedException>(writer.ResetWrittenCount);
        Assert.Throws<ObjectDisposedException>(writer.ToOwner);
    }

    [Fact]
    public void A_forgotten_writer_comes_back_but_not_while_its_memory_is_held()
    {
        using var heap = NativeBufferTests.NewHeap();
        var held = new Memory<byte>[1];
        nint block = Forget(heap, held);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(heap.Owns((void*)block));
        WriteAndDrop(held);
        Finalizers.RunUntil(() => !heap.Owns((void*)block));
    }

    internal static MemoryRuntime CheckedRuntime() => new(new MemoryRuntimeOptions
    {
        CapacityBytes = 64 << 20,
        BackgroundTrim = false,
        Checked = new CheckedOptions { Enabled = true },
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Forget(NativeHeap heap, Memory<byte>[] held)
    {
        var writer = new NativeBufferWriter<byte>(100, heap);
        held[0] = writer.GetMemory();
        return (nint)Unsafe.AsPointer(ref held[0].Span[0]);
    }

    // On its own, so that no copy of the memory is left in the test's frame.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteAndDrop(Memory<byte>[] held)
    {
        held[0].Span[0] = 1;
        held[0] = default;
    }
}
