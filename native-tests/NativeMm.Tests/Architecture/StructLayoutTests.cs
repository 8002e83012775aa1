using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>Sizes and offsets that other code, the kernel or the cache counts on. One row a structure.</summary>
public sealed class StructLayoutTests
{
    [Fact]
    public void Sizes_are_what_the_layouts_say()
    {
        Assert.Equal(4, Unsafe.SizeOf<Pfn>());
        Assert.Equal(1, Unsafe.SizeOf<Order>());
        Assert.Equal(4, Unsafe.SizeOf<CoreId>());
        Assert.Equal(PageFrame.Bytes, Unsafe.SizeOf<PageFrame>());
        Assert.Equal(8, Unsafe.SizeOf<SeqCount>());
        Assert.Equal(8, Unsafe.SizeOf<SpinLock<NoLockStatistics>>());
        Assert.Equal(16, Unsafe.SizeOf<SleepLock>());
        Assert.Equal(112, Unsafe.SizeOf<LockStatistics>());
    }

    [Fact]
    public void Padded_word_keeps_two_lines_on_each_side()
    {
        int offset = FieldLayout.OffsetOf<PaddedWord>(nameof(PaddedWord.Value));
        Assert.Equal(CacheLine.Isolation, offset);
        Assert.Equal(CacheLine.Isolation, Unsafe.SizeOf<PaddedWord>() - offset - sizeof(ulong));
    }

    [Fact]
    public void Address_range_is_the_kernels_iovec()
    {
        Assert.Equal([(nameof(AddressRange.Address), 0), (nameof(AddressRange.Bytes), nint.Size)], FieldLayout.Of<AddressRange>());
        Assert.Equal(2 * nint.Size, Unsafe.SizeOf<AddressRange>());
    }

    [Fact]
    public void Lock_word_comes_before_its_statistics()
    {
        Assert.Equal(0, FieldLayout.OffsetOf<SpinLock<LockStatistics>>("_word"));
    }
}
