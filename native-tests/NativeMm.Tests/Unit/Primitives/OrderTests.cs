using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Primitives;

/// <summary>The exponent of a block of frames.</summary>
public sealed class OrderTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(4096, 0)]
    [InlineData(4097, 1)]
    [InlineData(8192, 1)]
    [InlineData(8193, 2)]
    [InlineData(4 << 20, 10)]
    public void Bytes_have_the_smallest_order_that_holds_them(int bytes, int order) => Assert.Equal(order, Order.ForBytes((nuint)bytes).Value);

    [Fact]
    public void Bytes_that_no_order_holds_are_refused_up_to_the_largest_number_of_them()
    {
        foreach (nuint bytes in (nuint[])[(4 << 20) + 1, nuint.MaxValue / 2, nuint.MaxValue - 4095, nuint.MaxValue - 4094, nuint.MaxValue])
        {
            ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => Order.ForBytes(bytes));
            Assert.Contains(bytes.ToString(), refused.Message, StringComparison.Ordinal);
        }
    }
}
