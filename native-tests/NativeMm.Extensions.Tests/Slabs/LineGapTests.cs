using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Slabs;
using Xunit;

namespace NativeMm.Extensions.Tests.Slabs;

/// <summary>That the runtime lays the gap of a small class behind what the class writes is its choice, and what the gap is for.</summary>
public sealed class LineGapTests
{
    [Fact]
    public void Stripes_of_slabs_end_with_their_gap()
    {
        var stripe = new SlabStripe(capacity: 4);
        AssertBehind(ref GapOf(stripe), ref CountOf(stripe));
        AssertBehind(ref GapOf(stripe), ref RentsOf(stripe));
        AssertBehind(ref GapOf(stripe), ref ReturnsOf(stripe));
        AssertBehind(ref GapOf(stripe), ref LockOf(stripe));
    }

    [Fact]
    public void Stacks_of_arrays_end_with_their_gap()
    {
        var stack = new ArrayStack(capacity: 4);
        AssertBehind(ref GapOf(stack), ref CountOf(stack));
        AssertBehind(ref GapOf(stack), ref RentsOf(stack));
        AssertBehind(ref GapOf(stack), ref ReturnsOf(stack));
        AssertBehind(ref GapOf(stack), ref LockOf(stack));
    }

    private static void AssertBehind<T>(ref LineGap gap, ref T field)
    {
        Assert.Equal(CacheLine.Isolation, Unsafe.SizeOf<LineGap>());
        Assert.InRange(Unsafe.ByteOffset(ref Unsafe.As<T, byte>(ref field), ref Unsafe.As<LineGap, byte>(ref gap)), Unsafe.SizeOf<T>(), 1000);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_gap")]
    private static extern ref LineGap GapOf(SlabStripe of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_count")]
    private static extern ref int CountOf(SlabStripe of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_rents")]
    private static extern ref long RentsOf(SlabStripe of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_returns")]
    private static extern ref long ReturnsOf(SlabStripe of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lock")]
    private static extern ref SpinLock<NoLockStatistics> LockOf(SlabStripe of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_gap")]
    private static extern ref LineGap GapOf(ArrayStack of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lock")]
    private static extern ref SleepLock LockOf(ArrayStack of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_count")]
    private static extern ref int CountOf(ArrayStack of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_rents")]
    private static extern ref long RentsOf(ArrayStack of);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_returns")]
    private static extern ref long ReturnsOf(ArrayStack of);
}
