using System.Runtime.CompilerServices;
using NativeMm.Buffers;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Architecture.Pages;

/// <summary>What a page costs beside its content, and that two stripes never share a cache line.</summary>
public sealed class PageStoreLayoutTests
{
    [Fact]
    public void An_entry_is_its_three_words()
    {
        Assert.Equal(PageEntry.Bytes, Unsafe.SizeOf<PageEntry>());
        Assert.Equal(
            [(nameof(PageEntry.Key), 0), (nameof(PageEntry.State), 8), (nameof(PageEntry.Checksum), 12), (nameof(PageEntry.First), 16)],
            FieldLayout.Of<PageEntry>());
        Assert.Equal(16, PageHandles.Count);
        Assert.Equal(PageHandles.Count * sizeof(ulong), Unsafe.SizeOf<PageHandles>());
    }

    [Fact]
    public void A_stripe_uses_one_line_of_two()
    {
        Assert.Equal(CacheLine.Isolation, Unsafe.SizeOf<PageStripe>());
        int used = Unsafe.SizeOf<SpinLock<NoLockStatistics>>() + Unsafe.SizeOf<PageTable>() + Unsafe.SizeOf<PageTally>();
        Assert.True(used <= CacheLine.Bytes, $"A stripe uses {used} bytes.");
    }
}
