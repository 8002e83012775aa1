using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class SizeTextTests
{
    [Theory]
    [InlineData("32K", 32UL << 10)]
    [InlineData("4M", 4UL << 20)]
    [InlineData("1G", 1UL << 30)]
    [InlineData(" 16384 kB\n", 16UL << 20)]
    [InlineData("4096", 4096UL)]
    [InlineData("0", 0UL)]
    public void Size_is_read(string text, ulong bytes)
    {
        Assert.True(SizeText.TryParse(text, out ulong parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("K")]
    [InlineData("-1")]
    [InlineData("12 parsecs")]
    [InlineData("18446744073709551615K")]
    [InlineData("max")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(SizeText.TryParse(text, out ulong bytes));
        Assert.Equal(0UL, bytes);
    }
}
