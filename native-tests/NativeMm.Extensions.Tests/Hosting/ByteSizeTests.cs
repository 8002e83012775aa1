using System.Globalization;
using Xunit;

namespace NativeMm.Extensions.Tests.Hosting;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1.5 GiB", 3L << 29)]
    [InlineData("64 kB", 64_000)]
    [InlineData("1.9B", 1)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("8388607TiB", 8_388_607L << 40)]
    public void Size_is_read_as_people_write_it_in_any_culture(string text, long bytes)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            // As in German. By hand: the system may have no cultures.
            var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (german.NumberFormat.NumberDecimalSeparator, german.NumberFormat.NumberGroupSeparator) = (",", ".");
            CultureInfo.CurrentCulture = german;
            Assert.True(ByteSize.TryParse(text, out long read));
            Assert.Equal(bytes, read);
            Assert.Equal("1.4 GiB", ByteSize.Round(1.4 * (1 << 30)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("0.5")]
    [InlineData("0.0001 KiB")]
    [InlineData("-0.5MiB")]
    [InlineData("+5")]
    [InlineData("1,5GiB")]
    [InlineData("1e3")]
    [InlineData("GiB")]
    [InlineData("5 bananas")]
    [InlineData("9223372036854775808")]
    [InlineData("8388608TiB")]
    [InlineData("9999999999GiB")]
    [InlineData("79228162514264337593543950335TiB")]
    [InlineData("99999999999999999999999999999999999999")]
    public void What_is_no_size_or_too_much_is_refused(string text)
    {
        Assert.False(ByteSize.TryParse(text, out long bytes));
        Assert.Equal(0, bytes);
    }
}
