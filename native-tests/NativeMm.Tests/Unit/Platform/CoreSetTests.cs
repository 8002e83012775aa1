using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class CoreSetTests
{
    [Theory]
    [InlineData("", 0, "")]
    [InlineData("0", 1, "0")]
    [InlineData("0-3\n", 4, "0-3")]
    [InlineData("0-3,8", 5, "0-3,8")]
    [InlineData("8,0-1,2,3", 5, "0-3,8")]
    [InlineData("62-65,127", 5, "62-65,127")]
    [InlineData("63", 1, "63")]
    public void List_is_read_and_written_as_the_kernel_does(string text, int count, string written)
    {
        Assert.True(CoreSet.TryParse(text, out CoreSet cores));
        Assert.Equal(count, cores.Count);
        Assert.Equal(written, cores.ToString());
        Assert.Equal(count, cores.ToList().Count);
        Assert.All(cores.ToList(), core => Assert.True(cores.Contains(core)));
    }

    [Theory]
    [InlineData("3-1")]
    [InlineData("a")]
    [InlineData("1,,2")]
    [InlineData("-1")]
    [InlineData("1-")]
    [InlineData("0-99999999")]
    [InlineData("65536")]
    public void Damaged_list_is_refused(string text)
    {
        Assert.False(CoreSet.TryParse(text, out CoreSet cores));
        Assert.Equal(0, cores.Count);
    }

    [Fact]
    public void Contains_knows_what_is_outside()
    {
        CoreSet cores = CoreSet.Of(new CoreId(70));
        Assert.True(cores.Contains(new CoreId(70)));
        Assert.False(cores.Contains(new CoreId(6)));
        Assert.False(cores.Contains(new CoreId(71)));
        Assert.False(cores.Contains(new CoreId(700)));
        Assert.False(cores.Contains(new CoreId(-1)));
    }

    [Fact]
    public void Equal_sets_are_equal_whatever_the_length_of_the_mask()
    {
        CoreSet left = CoreSet.FromWords([5, 0, 0]);
        CoreSet right = CoreSet.FromWords([5]);
        Assert.Equal(left, right);
        Assert.Equal(left.GetHashCode(), right.GetHashCode());
        Assert.NotEqual(left, CoreSet.FromWords([5, 1]));
    }
}
