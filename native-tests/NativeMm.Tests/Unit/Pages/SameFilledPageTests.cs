using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Pages;

/// <summary>Which pages repeat one word.</summary>
public sealed class SameFilledPageTests
{
    [Theory]
    [InlineData(4096, 0)]
    [InlineData(4096, 0x0123456789abcdef)]
    [InlineData(65536, ulong.MaxValue)]
    public void A_page_of_one_word_is_found_and_restored(int pageBytes, ulong word)
    {
        byte[] page = SamplePages.Same(pageBytes, word);
        Assert.True(SameFilledPage.Detect(page, out ulong found));
        Assert.Equal(word, found);
        byte[] restored = new byte[pageBytes];
        SameFilledPage.Fill(restored, found);
        Assert.Equal(page, restored);
    }

    [Fact]
    public void One_other_byte_anywhere_is_enough()
    {
        byte[] page = SamplePages.Same(4096, 0x1122334455667788);
        for (int i = 0; i < page.Length; i++)
        {
            page[i] ^= 1;
            Assert.False(SameFilledPage.Detect(page, out _));
            page[i] ^= 1;
        }

        Assert.True(SameFilledPage.Detect(page, out _));
    }
}
