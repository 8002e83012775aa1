using System.Buffers;
using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Tests.Unit.Buffers;
using Xunit;

namespace NativeMm.Tests.Model.Buffers;

/// <summary>One script of calls against <see cref="MemoryPool{T}.Shared"/> and against ours: the same results and exceptions.</summary>
public sealed class DropInPoolTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(100_000)]
    [InlineData(5_000_000)]
    [InlineData(-2)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void A_rent_from_its_beginning_past_its_end(int size) => Same(pool => Rent(pool, size));

    [Fact]
    public void Sizes_end_where_arrays_end() => Same(pool => [$"{pool.MaxBufferSize}"]);

    [Fact]
    public void Owners_that_are_disposed_again_much_later_harm_nobody() => Same(pool =>
    {
        var log = new List<string>();
        IMemoryOwner<byte> stale = pool.Rent(100);
        stale.Dispose();
        for (int i = 0; i < 2_000; i++)
        {
            IMemoryOwner<byte> owner = pool.Rent(100);
            owner.Memory.Span.Fill((byte)i);
            stale.Dispose();
            log.Add(Outcome.Of(() => owner.Memory.Span.IndexOfAnyExcept((byte)i)) + Outcome.Of(() => stale.Memory));
            owner.Dispose();
        }

        return log;
    });

    [Fact]
    public void The_process_wide_pool_is_disposed_without_effect() => Assert.Equal(AfterDispose(MemoryPool<byte>.Shared), AfterDispose(NativeMemoryPool.Default));

    private static void Same(Func<MemoryPool<byte>, List<string>> script)
    {
        using var heap = NativeBufferTests.NewHeap();
        List<string> expected = script(MemoryPool<byte>.Shared);
        using var ours = new NativeMemoryPool(heap);
        Assert.Equal(expected, script(ours));
        Assert.Equal(0, ours.Statistics.RentedNow);
        using var fresh = new NativeMemoryPool(heap, recycleOwners: false);
        Assert.Equal(expected, script(fresh));
    }

    private static List<string> Rent(MemoryPool<byte> pool, int size)
    {
        IMemoryOwner<byte>? owner = null;
        var log = new List<string> { Outcome.Of(() => owner = pool.Rent(size)) is { } text && owner is null ? text : "rented" };
        if (owner is null)
        {
            return log;
        }

        log.Add(Outcome.Of(() => owner.Memory.Length >= (size < 0 ? 4096 : size)));
        log.Add(Outcome.Of(() => owner.Memory.IsEmpty));
        owner.Memory.Span.Fill(7);
        log.Add(Outcome.Of(() => owner.Memory.Span.IndexOfAnyExcept((byte)7)));
        using (owner.Memory.Pin())
        {
            log.Add("pinned");
        }

        for (int i = 0; i < 3; i++)
        {
            log.Add(Outcome.Of(owner.Dispose));
            log.Add(Outcome.Of(() => owner.Memory));
        }

        return log;
    }

    private static string AfterDispose(MemoryPool<byte> pool)
    {
        pool.Dispose();
        pool.Dispose();
        return Outcome.Of(() =>
        {
            using IMemoryOwner<byte> owner = pool.Rent(10);
            return owner.Memory.Length >= 10;
        });
    }
}
