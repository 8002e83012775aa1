using NativeMm.Tests.Support;
using System.Buffers;
using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Renting and returning.</summary>
[Collection(ForgottenBuffersCollection.Name)]
public sealed unsafe class NativeMemoryPoolTests : IDisposable
{
    private readonly NativeHeap _heap = NativeBufferTests.NewHeap();
    private readonly NativeMemoryPool _pool;

    public NativeMemoryPoolTests()
    {
        _pool = new NativeMemoryPool(_heap, recycleOwners: true);
    }

    public void Dispose()
    {
        _pool.Dispose();
        _heap.Dispose();
    }

    [Theory]
    [InlineData(-1, 4096)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(100_000, 100_000)]
    public void A_buffer_is_at_least_as_large_as_asked_for(int asked, int least)
    {
        using IMemoryOwner<byte> owner = _pool.Rent(asked);
        Assert.True(owner.Memory.Length >= least);
        owner.Memory.Span.Fill(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    [InlineData(3 << 20)]
    public unsafe void A_buffer_is_the_whole_block_of_the_heap_even_one_that_was_used_before(int smaller)
    {
        // Above all classes a block that is used again may be larger than asked for by a quarter.
        const int Bytes = 6 << 20;
        _pool.Rent(Bytes).Dispose();
        using IMemoryOwner<byte> owner = _pool.Rent(Bytes - smaller);
        using MemoryHandle pin = owner.Memory.Pin();
        Assert.Equal(_heap.UsableSize(pin.Pointer), (nuint)owner.Memory.Length);
        Assert.InRange(owner.Memory.Length, Bytes - smaller, Bytes);
        Assert.Equal(owner.Memory.Length, _pool.Statistics.BytesRented);
    }

    [Fact]
    public void Bad_sizes_are_named_with_their_range()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(-2));
        Assert.Equal("minBufferSize", error.ParamName);
        Assert.Equal(-2, error.ActualValue);
        Assert.Equal(Array.MaxLength + 1, Assert.Throws<ArgumentOutOfRangeException>(() => _pool.Rent(Array.MaxLength + 1)).ActualValue);
        Assert.Throws<ArgumentNullException>("heap", () => new NativeMemoryPool(null!));
        Assert.Throws<ArgumentNullException>("heap", () => new NativeMemoryPool(null!, recycleOwners: true));
    }

    [Fact]
    public void Statistics_follow_rents_and_returns()
    {
        IMemoryOwner<byte> first = _pool.Rent(100);
        IMemoryOwner<byte> second = _pool.Rent(1000);
        long bytes = first.Memory.Length + second.Memory.Length;
        Assert.Equal(new NativeMemoryPoolStatistics(2, bytes, 2, 0), _pool.Statistics);
        first.Dispose();
        second.Dispose();
        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 2, 0), _pool.Statistics);
    }

    [Theory]
    [InlineData("as the framework")]
    [InlineData("never reused")]
    [InlineData("reused bare")]
    public void After_its_return_a_buffer_and_its_memory_throw(string reuse)
    {
        using NativeMemoryPool pool = reuse == "as the framework" ? new(_heap) : new(_heap, recycleOwners: reuse == "reused bare");
        IMemoryOwner<byte> owner = pool.Rent(100);
        Memory<byte> memory = owner.Memory;
        void* block = Address(memory);
        Assert.True(_heap.Owns(block));
        owner.Dispose();
        Assert.False(_heap.Owns(block));
        Assert.Throws<ObjectDisposedException>(() => owner.Memory);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
        Exception? again = Record.Exception(owner.Dispose);
        Assert.Equal(reuse == "reused bare" ? MemoryFaultKind.DoubleFree : null, (again as MemoryFaultException)?.Kind);
        Assert.Equal(0, pool.Statistics.RentedNow);
    }

    [Fact]
    public void A_returned_owner_rests_while_others_are_rented()
    {
        IMemoryOwner<byte> stale = _pool.Rent(100);
        Memory<byte> memory = stale.Memory;
        stale.Dispose();
        for (int i = 0; i < 32; i++)
        {
            IMemoryOwner<byte> owner = _pool.Rent(100);
            Assert.NotSame(stale, owner);
            Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
            Assert.Throws<MemoryFaultException>(stale.Dispose);
            owner.Dispose();
        }
    }

    [Fact]
    public void A_returned_owner_rests_even_when_all_others_are_rented()
    {
        IMemoryOwner<byte>[] rented = [.. Enumerable.Range(0, 500).Select(_ => _pool.Rent(100))];
        IMemoryOwner<byte> stale = rented[0];
        stale.Dispose();
        IMemoryOwner<byte> next = _pool.Rent(100);
        Assert.NotSame(stale, next);
        Assert.Throws<MemoryFaultException>(stale.Dispose);
        next.Dispose();
        Assert.All(rented.Skip(1), owner => owner.Dispose());
    }

    [Fact]
    public void An_extra_dispose_across_a_reuse_is_noticed_by_the_rightful_owner()
    {
        IMemoryOwner<byte> stale = _pool.Rent(100);
        stale.Dispose();
        IMemoryOwner<byte> reused;
        int rents = 0;
        while (!ReferenceEquals(reused = _pool.Rent(100), stale))
        {
            reused.Dispose();
            Assert.True(++rents < 10_000, "Owners are not used again.");
        }

        stale.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reused.Memory);
        Assert.Throws<MemoryFaultException>(reused.Dispose);
        Assert.Equal(0, _pool.Statistics.RentedNow);
    }

    [Fact]
    public void Without_recycling_no_owner_comes_back_and_stale_memory_throws_for_good()
    {
        using var pool = new NativeMemoryPool(_heap, recycleOwners: false);
        var seen = new HashSet<IMemoryOwner<byte>>(ReferenceEqualityComparer.Instance);
        Memory<byte> stale = default;
        for (int i = 0; i < 1000; i++)
        {
            IMemoryOwner<byte> owner = pool.Rent(16);
            Assert.True(seen.Add(owner));
            stale = i == 0 ? owner.Memory : stale;
            owner.Dispose();
            owner.Dispose();
        }

        Assert.Throws<ObjectDisposedException>(() => stale.Span.Length);
    }

    [Fact]
    public void A_rent_that_is_over_throws_for_good_and_ends_no_other()
    {
        using var pool = new NativeMemoryPool(_heap);
        IMemoryOwner<byte> stale = pool.Rent(100);
        Memory<byte> memory = stale.Memory;
        stale.Dispose();
        for (int i = 0; i < 1000; i++)
        {
            IMemoryOwner<byte> owner = pool.Rent(100);
            stale.Dispose();
            Assert.NotSame(stale, owner);
            owner.Memory.Span[0] = 1;
            Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
            Assert.Throws<ObjectDisposedException>(() => memory.Pin());
            Assert.Throws<ObjectDisposedException>(() => stale.Memory);
            owner.Dispose();
        }

        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 1001, 0), pool.Statistics);
    }

    [Fact]
    public void In_checked_mode_every_disposal_too_many_is_found()
    {
        using MemoryRuntime runtime = NativeBufferWriterTests.CheckedRuntime();
        using var pool = new NativeMemoryPool(runtime.Heap);
        IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 300).Select(_ => pool.Rent(16))];
        Assert.All(owners, owner => owner.Dispose());
        Assert.All(owners, owner => Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(owner.Dispose).Kind));
        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 300, 0), pool.Statistics);
    }

    [Fact]
    public void A_rent_as_in_the_framework_allocates_a_small_object_and_no_more()
    {
        using var pool = new NativeMemoryPool(_heap);
        RentMany(pool, 200);
        Assert.InRange(ManagedBytes.Least(() => RentMany(pool, 2000)), 1, 2000 * 32);
    }

    [Fact]
    public void A_warm_rent_allocates_no_managed_memory()
    {
        RentMany(_pool, 200);
        Assert.Equal(0, ManagedBytes.Least(() => RentMany(_pool, 2000)));
    }

    [Fact]
    public void After_the_pool_is_disposed_rented_buffers_live_on()
    {
        IMemoryOwner<byte> owner = _pool.Rent(100);
        void* block = Address(owner.Memory);
        _pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _pool.Rent(1));
        owner.Memory.Span.Fill(5);
        owner.Dispose();
        Assert.False(_heap.Owns(block));
        Assert.Equal(0, _pool.Statistics.RentedNow);
    }

    [Fact]
    public void The_default_pool_survives_its_dispose()
    {
        Assert.Same(NativeMemoryPool.Default, NativeMemoryPool.Default);
        NativeMemoryPool.Default.Dispose();
        NativeMemoryPool.Default.Rent(10).Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_forgotten_rent_comes_back_and_is_counted(bool bare)
    {
        using NativeMemoryPool pool = bare ? new(_heap, recycleOwners: true) : new(_heap);
        AssertForgottenIsFound(pool);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_owner_that_was_used_again_is_still_found_when_forgotten(bool bare)
    {
        using NativeMemoryPool pool = bare ? new(_heap, recycleOwners: true) : new(_heap);
        RentMany(pool, 500);
        AssertForgottenIsFound(pool);
    }

    /// <summary>A program's own finalizer disposes an owner whose finalizer came first.</summary>
    [Fact]
    public void A_disposal_after_the_finalizer_does_nothing()
    {
        using var pool = new NativeMemoryPool(_heap);
        nint block = ForgetAndDisposeLate(pool);
        Finalizers.RunUntil(() => !_heap.Owns((void*)block));
        Finalizers.RunUntil(() => LateDisposal.Done > 0);
        Assert.Equal(new NativeMemoryPoolStatistics(0, 0, 1, 1), pool.Statistics);
        Assert.Equal(0, _heap.GetStatistics().Classes.Sum(row => row.LiveBlocks));
    }

    /// <summary>A program's own finalizer disposes an owner, and others rent before the finalizer of the pool comes, in the same run.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_new_rent_is_not_taken_for_the_forgotten_one_before_it(bool bare)
    {
        using NativeMemoryPool pool = bare ? new(_heap, recycleOwners: true) : new(_heap);
        using var disposed = new SemaphoreSlim(0);
        using var moved = new SemaphoreSlim(0);
        const int Forgotten = 8;
        ForgetMany(pool, Forgotten, disposed, moved);
        var rented = new List<IMemoryOwner<byte>>();
        for (int step = 0; step < Forgotten; step++)
        {
            Finalizers.CollectUntil(() => disposed.Wait(10));
            rented.AddRange(Enumerable.Range(0, 300).Select(_ => pool.Rent(100)));
            moved.Release();
        }

        Finalizers.RunToEnd();
        Assert.All(rented, owner => Assert.True(_heap.Owns(Address(owner.Memory))));
        Assert.Equal(new NativeMemoryPoolStatistics(rented.Count, rented.Sum(owner => owner.Memory.Length), rented.Count + Forgotten, 0), pool.Statistics);
        Assert.All(rented, owner => owner.Dispose());

        // An owner that somebody still has keeps what it stood on, and that may be what the next rent stands on.
        rented.Clear();
        AssertForgottenIsFound(pool);
    }

    private void AssertForgottenIsFound(NativeMemoryPool pool)
    {
        long count = ForgottenBuffers.Count;
        nint block = Forget(pool);
        Assert.True(_heap.Owns((void*)block));
        Finalizers.RunUntil(() => !_heap.Owns((void*)block));
        Assert.Equal(1, pool.Statistics.Forgotten);
        Assert.Equal(0, pool.Statistics.RentedNow);
        Assert.True(ForgottenBuffers.Count > count);
    }

    private static void RentMany(NativeMemoryPool pool, int pairs)
    {
        for (int i = 0; i < pairs; i++)
        {
            IMemoryOwner<byte> owner = pool.Rent(100);
            owner.Memory.Span[0] = 1;
            owner.Dispose();
        }
    }

    private static void* Address(Memory<byte> memory)
    {
        using MemoryHandle pin = memory.Pin();
        return pin.Pointer;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint ForgetAndDisposeLate(NativeMemoryPool pool)
    {
        IMemoryOwner<byte> owner = pool.Rent(100);
        _ = new LateDisposal(owner);
        return (nint)Address(owner.Memory);
    }

    /// <summary>The order of finalizers is nobody's promise: what disposes is made before the rents as well as after them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForgetMany(NativeMemoryPool pool, int count, SemaphoreSlim disposed, SemaphoreSlim moved)
    {
        SteppedDisposal[] early = [.. Enumerable.Range(0, count / 2).Select(_ => new SteppedDisposal(disposed, moved))];
        for (int i = 0; i < count; i++)
        {
            IMemoryOwner<byte> owner = pool.Rent(100);
            SteppedDisposal last = i < early.Length ? early[i] : new SteppedDisposal(disposed, moved);
            last.Victim = owner;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Forget(NativeMemoryPool pool) => (nint)Address(pool.Rent(100).Memory);
}
