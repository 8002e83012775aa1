using NativeMm.Tests.Support;
using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Bump allocation, marks, and freeing all at once.</summary>
[Collection(ForgottenBuffersCollection.Name)]
public sealed unsafe class ArenaTests : IDisposable
{
    private readonly NativeHeap _heap = NativeBufferTests.NewHeap();
    private readonly Arena _arena;

    public ArenaTests()
    {
        _arena = new Arena(_heap, new ArenaOptions { FirstChunkBytes = 1024, ChunkBytesMax = 8192 }, poison: true);
    }

    public void Dispose()
    {
        _arena.Dispose();
        _heap.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(256)]
    [InlineData(4096)]
    [InlineData(1 << 21)]
    public void Every_alignment_is_kept(int alignment)
    {
        for (int i = 0; i < 20; i++)
        {
            byte* block = (byte*)_arena.Alloc((nuint)(i * 7), (nuint)alignment);
            Assert.Equal(0u, (nuint)block % (nuint)alignment);
            new Span<byte>(block, i * 7).Fill((byte)i);
        }
    }

    [Fact]
    public void Pieces_never_overlap_across_chunks_and_single_chunks()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        var pieces = new List<(nint Block, int Bytes, byte Value)>();
        for (int i = 0; i < 2000; i++)
        {
            int bytes = random.Next(10) == 0 ? random.Next(20_000) : random.Next(200);
            byte value = (byte)random.Next(256);
            byte* block = (byte*)_arena.Alloc((nuint)bytes, (nuint)(1 << random.Next(8)));
            new Span<byte>(block, bytes).Fill(value);
            pieces.Add(((nint)block, bytes, value));
        }

        foreach ((nint block, int bytes, byte value) in pieces)
        {
            Assert.True(new Span<byte>((void*)block, bytes).IndexOfAnyExcept(value) < 0, $"seed {seed}");
        }

        Assert.Equal(pieces.Sum(piece => (long)piece.Bytes), _arena.Statistics.AllocatedBytes);
    }

    [Fact]
    public void Typed_pieces_have_their_length_and_content()
    {
        Assert.Equal(10, _arena.Alloc<double>(10).Length);
        Assert.True(_arena.Alloc<byte>(0).IsEmpty);
        _arena.Alloc<byte>(1)[0] = 1;
        Span<long> zeros = _arena.AllocZeroed<long>(100);
        Assert.Equal(-1, zeros.IndexOfAnyExcept(0));
        Assert.Equal(0u, (nuint)Unsafe.AsPointer(ref zeros[0]) % 8);
        Span<int> copy = _arena.AllocCopy<int>([1, 2, 3]);
        Assert.Equal([1, 2, 3], _arena.AllocCopy<int>(copy).ToArray());
    }

    [Fact]
    public void Zero_bytes_give_an_address_even_in_an_empty_arena() => Assert.False(_arena.Alloc(0) is null);

    [Fact]
    public void Chunks_double_up_to_the_bound_and_large_requests_get_their_own()
    {
        Assert.Equal(0, _arena.Statistics.Chunks);
        _arena.Alloc(100);
        long first = _arena.Statistics.ReservedBytes;
        Assert.InRange(first, 1024, 2048);
        void* large = _arena.Alloc(50_000);
        Assert.True(_heap.Owns(large));
        Assert.Equal(2, _arena.Statistics.Chunks);
        _arena.Alloc(100);
        Assert.Equal(2, _arena.Statistics.Chunks);
        for (int i = 0; i < 200; i++)
        {
            _arena.Alloc(500);
        }

        ArenaStatistics statistics = _arena.Statistics;
        Assert.InRange(statistics.Chunks, 2 + (100_000 / 8192), 2 + (100_000 / 8192) + 4);
        Assert.Equal(100 + 50_000 + 100 + (200 * 500), statistics.AllocatedBytes);
    }

    [Fact]
    public void Reset_keeps_the_first_chunk_only_and_uses_it_again()
    {
        _arena.Alloc(5_000);
        void* first = _arena.Alloc(100);
        void* large = _arena.Alloc(50_000);
        for (int i = 0; i < 100; i++)
        {
            _arena.Alloc(400);
        }

        long peak = _arena.Statistics.AllocatedBytes;
        _arena.Reset();
        Assert.Equal(1, _arena.Statistics.Chunks);
        Assert.Equal(0, _arena.Statistics.AllocatedBytes);
        Assert.Equal(peak, _arena.Statistics.PeakAllocatedBytes);
        Assert.False(_heap.Owns(large));
        Assert.Equal((nint)first, (nint)_arena.Alloc(100));
        _arena.Reset();
        Assert.Equal(0xDF, *(byte*)first);
    }

    [Fact]
    public void Reset_of_an_arena_with_single_chunks_only_frees_them()
    {
        void* large = _arena.Alloc(50_000);
        _arena.Reset();
        Assert.False(_heap.Owns(large));
        Assert.Equal(0, _arena.Statistics.Chunks);
        _arena.Reset();
    }

    [Fact]
    public void Rewind_takes_back_what_came_after_the_mark_and_nothing_else()
    {
        Span<byte> kept = _arena.Alloc<byte>(100);
        kept.Fill(7);
        ArenaMark mark = _arena.Mark();
        void* next = _arena.Alloc(50);
        for (int round = 0; round < 3; round++)
        {
            void* large = _arena.Alloc(30_000);
            _arena.Alloc(3_000);
            _arena.Alloc(300);
            _arena.Rewind(mark);
            Assert.False(_heap.Owns(large));
            Assert.Equal((1, 100L), (_arena.Statistics.Chunks, _arena.Statistics.AllocatedBytes));
            Assert.Equal(0xDF, *(byte*)next);
            Assert.Equal(-1, kept.IndexOfAnyExcept((byte)7));
            Assert.Equal((nint)next, (nint)_arena.Alloc(50));
        }
    }

    [Fact]
    public void A_mark_of_the_empty_arena_takes_everything_back()
    {
        ArenaMark mark = _arena.Mark();
        _arena.Alloc(100);
        _arena.Rewind(mark);
        Assert.Equal(0, _arena.Statistics.Chunks);
        Assert.False(_arena.Alloc(0) is null);
    }

    [Fact]
    public void Of_marks_at_one_place_those_after_the_one_gone_back_to_are_refused()
    {
        _arena.Alloc(10);
        ArenaMark first = _arena.Mark();
        ArenaMark second = _arena.Mark();
        ArenaMark third = _arena.Mark();
        _arena.Alloc(100);
        _arena.Rewind(second);
        _arena.Alloc(100);
        Assert.Throws<InvalidOperationException>(() => _arena.Rewind(third));
        Assert.Equal(110, _arena.Statistics.AllocatedBytes);
        _arena.Rewind(first);
        _arena.Alloc(100);
        Assert.Throws<InvalidOperationException>(() => _arena.Rewind(second));
        Assert.Equal(110, _arena.Statistics.AllocatedBytes);
        _arena.Rewind(first);
        Assert.Equal(10, _arena.Statistics.AllocatedBytes);
    }

    [Fact]
    public void Marking_and_rewinding_in_a_loop_takes_no_memory()
    {
        ArenaMark outer = _arena.Mark();
        Loop(100);
        Assert.Equal(0, ManagedBytes.Least(() => Loop(10_000)));
        _arena.Rewind(outer);

        void Loop(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                ArenaMark request = _arena.Mark();
                ArenaMark inner = _arena.Mark();
                _arena.Alloc(100);
                _arena.Rewind(inner);
                _arena.Rewind(request);
            }
        }
    }

    [Fact]
    public void Marks_that_are_gone_or_foreign_are_refused()
    {
        ArenaMark outer = _arena.Mark();
        _arena.Alloc(10);
        ArenaMark inner = _arena.Mark();
        _arena.Alloc(10);
        _arena.Rewind(inner);
        _arena.Rewind(inner);
        _arena.Rewind(outer);
        Assert.Throws<InvalidOperationException>(() => _arena.Rewind(inner));
        _arena.Alloc(1000);
        _arena.Mark();
        Assert.Throws<InvalidOperationException>(() => _arena.Rewind(inner));
        _arena.Reset();
        Assert.Throws<InvalidOperationException>(() => _arena.Rewind(outer));
        Assert.Throws<ArgumentException>(() => _arena.Rewind(default));
        using var other = new Arena(_heap);
        ArenaMark foreign = other.Mark();
        Assert.Throws<ArgumentException>(() => _arena.Rewind(foreign));
    }

    [Fact]
    public void Bad_input_is_named_and_loses_nothing()
    {
        Assert.Contains("48", Assert.Throws<ArgumentException>(() => (nint)_arena.Alloc(1, 48)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => (nint)_arena.Alloc(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _arena.Alloc<int>(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Arena(_heap, new ArenaOptions { FirstChunkBytes = 255 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Arena(_heap, new ArenaOptions { FirstChunkBytes = 512, ChunkBytesMax = 511 }));
        Assert.Equal(0, _arena.Statistics.AllocatedBytes);
    }

    [Fact]
    public void After_its_heap_it_touches_nothing_any_more()
    {
        using var runtime = new NativeMm.Runtime.MemoryRuntime(new() { CapacityBytes = 64 << 20, BackgroundTrim = false });
        NativeHeap heap = runtime.CreateHeap();
        var arena = new Arena(heap, new ArenaOptions { FirstChunkBytes = 8 << 20, ChunkBytesMax = 8 << 20 }, poison: true);
        ArenaMark mark = arena.Mark();
        arena.Alloc(5000);
        heap.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.AllocZeroed<byte>(5000).Length);
        Assert.Throws<ObjectDisposedException>(() => arena.AllocCopy<byte>(new byte[5000]).Length);
        arena.Rewind(mark);
        arena.Reset();
        arena.Dispose();
    }

    [Fact]
    public void Dispose_frees_all_and_every_use_after_it_throws()
    {
        ArenaMark mark = _arena.Mark();
        void* large = _arena.Alloc(50_000);
        _arena.Alloc(10);
        _arena.Dispose();
        _arena.Dispose();
        Assert.False(_heap.Owns(large));
        Assert.Throws<ObjectDisposedException>(() => (nint)_arena.Alloc(1));
        Assert.Throws<ObjectDisposedException>(() => (nint)_arena.Alloc(0));
        Assert.Throws<ObjectDisposedException>(() => _arena.Alloc<int>(1).Length);
        Assert.Throws<ObjectDisposedException>(() => _arena.Mark());
        Assert.Throws<ObjectDisposedException>(() => _arena.Rewind(mark));
        Assert.Throws<ObjectDisposedException>(_arena.Reset);
        Assert.Throws<ObjectDisposedException>(() => _arena.Statistics);
    }

    [Fact]
    public void A_forgotten_arena_comes_back_and_counts_once()
    {
        // What other tests dropped must be found before the counting begins.
        Finalizers.RunToEnd();
        (long count, long bytes) = (ForgottenBuffers.Count, ForgottenBuffers.Bytes);
        nint block = Forget(_heap);
        Finalizers.RunUntil(() => !_heap.Owns((void*)block));
        Assert.Equal(count + 1, ForgottenBuffers.Count);
        Assert.True(ForgottenBuffers.Bytes >= bytes + 100_000);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Forget(NativeHeap heap)
    {
        var arena = new Arena(heap);
        arena.Alloc(10);
        return (nint)arena.Alloc(100_000);
    }
}
