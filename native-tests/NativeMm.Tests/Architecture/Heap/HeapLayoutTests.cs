using System.Runtime.CompilerServices;
using NativeMm.Heap;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Architecture.Heap;

/// <summary>Places that the hit paths reach with fixed offsets, and lines that must not be shared.</summary>
public sealed unsafe class HeapLayoutTests
{
    [Fact]
    public void What_a_free_must_know_lies_on_the_first_line_of_a_cache()
    {
        Assert.Equal(
            [(nameof(ThreadCache.NobodysTop), 0), (nameof(ThreadCache.BaseAddress), 8), (nameof(ThreadCache.ZoneUnits), 16), (nameof(ThreadCache.Words), 24), (nameof(ThreadCache.Events), 32), (nameof(ThreadCache.TakeBackFrom), 36), (nameof(ThreadCache.EarnedBytes), 40), (nameof(ThreadCache.GrownBytes), 48), (nameof(ThreadCache.Tag), 56), (nameof(ThreadCache.OddNumber), 60), (nameof(ThreadCache.Guard), 64), (nameof(ThreadCache.GrownBytesMax), 72), (nameof(ThreadCache.LooksPaidUntil), 80), (nameof(ThreadCache.IsShortOfCapacity), 88), (nameof(ThreadCache.NoLookUntil), 96), (nameof(ThreadCache.CpuSeen), 104)],
            FieldLayout.Of<ThreadCache>());
    }

    [Fact]
    public void A_cache_has_room_for_its_rack_and_what_lies_behind_it()
    {
        int sum = CacheLine.Isolation + Magazine.RackBytes + (SizeClass.Count * ((2 * sizeof(ulong)) + Allowance.Bytes)) + NativeMm.Platform.StackHold.Bytes;
        Assert.Equal(ThreadCache.Bytes, sum);
        Assert.Equal(ThreadCache.Bytes, Unsafe.SizeOf<ThreadCache>());
        Assert.True(SizeClass.Count <= Magazine.Stride);
        byte* memory = stackalloc byte[ThreadCache.Bytes + 16];
        Magazine last = ThreadCache.MagazineOf((ThreadCache*)memory, (nuint)SizeClass.Count - 1);
        Assert.Equal((nuint)(memory + CacheLine.Isolation) + (((nuint)SizeClass.Count - 1) * 8), *(nuint*)&last);
        Magazine placed = ThreadCache.MagazineAt((ThreadCache*)memory, ThreadCache.PlaceOf(new SizeClass(SizeClass.Count - 1)));
        Assert.Equal(*(nuint*)&last, *(nuint*)&placed);
    }

    [Fact]
    public void The_magazine_that_is_nobodys_refuses_every_push_whatever_the_cache_holds()
    {
        Span<byte> cache = stackalloc byte[ThreadCache.Bytes];
        cache.Fill(byte.MaxValue);
        fixed (byte* memory = cache)
        {
            ((ThreadCache*)memory)->NobodysTop = Magazine.TopRefusingPushes;

            // No limit is an address that high, but even the highest one that lies behind user memory is below it.
            ((nuint*)memory)[2 * Magazine.Stride] = unchecked((nuint)Magazine.TopRefusingPushes);
            Assert.False(ThreadCache.MagazineAt((ThreadCache*)memory, 0).TryPush(1));
        }
    }

    [Fact]
    public void The_shared_heap_is_the_first_of_its_space() => Assert.Equal(SlabSpace.FirstTag, NativeHeap.Shared.Tag);

    [Fact]
    public void A_slab_fills_one_line()
    {
        Assert.Equal(CacheLine.Bytes, Slab.Bytes);
        Assert.Equal(Slab.Bytes, Unsafe.SizeOf<Slab>());
        Assert.Equal(
            [(nameof(Slab.Next), 0), (nameof(Slab.Previous), 4), (nameof(Slab.FreeCount), 8), (nameof(Slab.Untouched), 12), (nameof(Slab.FirstWord), 16), (nameof(Slab.ChangedAt), 20), (nameof(Slab.DiscardedAt), 24), (nameof(Slab.Listed), 28), (nameof(Slab.Held), 29), (nameof(Slab.Life), 32)],
            FieldLayout.Of<Slab>());
    }

    [Fact]
    public void A_class_fits_the_bits_kept_for_it_and_a_magazine_is_one_word() =>
        Assert.True(SizeClass.Count < 1 << SlabSpace.ClassBits && Unsafe.SizeOf<Magazine>() == sizeof(nuint));
}
