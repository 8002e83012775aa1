using NativeMm.Heap;
using NativeMm.Lab.Experiments.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class SizeMixtureTests
{
    [Fact]
    public void All_of_its_classes_are_the_ladder_of_the_heap() =>
        Assert.Equal(
            Enumerable.Range(0, SizeMixture.ClassesMax).Select(i => (int)new SizeClass(i).BlockBytes),
            SizeMixture.Classes(SizeMixture.ClassesMax));

    [Theory]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(64)]
    public void So_many_classes_are_in_use_each_as_often_as_any_other(int count)
    {
        int[] sizes = SizeMixture.Of($"{count}")(0);

        Assert.Equal(ReplacementTables.Length, sizes.Length);
        IGrouping<int, int>[] classes = [.. sizes.GroupBy(s => SizeClass.ForBytes((nuint)s).Value)];
        Assert.Equal(count, classes.Length);
        Assert.All(classes, c => Assert.Equal(ReplacementTables.Length / count, c.Count()));
        Assert.NotEqual(sizes, sizes.Order());
    }

    [Fact]
    public void Few_classes_touch_about_as_much_memory_as_many()
    {
        double all = SizeMixture.Classes(64).Average();
        Assert.All((int[])[4, 16], count => Assert.InRange(SizeMixture.Classes(count).Average(), 0.75 * all, 1.25 * all));
    }

    [Fact]
    public void The_order_is_the_same_in_every_launch_and_another_for_each_thread()
    {
        Assert.Equal(SizeMixture.Of("16")(0), SizeMixture.Of("16")(0));
        Assert.NotEqual(SizeMixture.Of("16")(0), SizeMixture.Of("16")(1));
        Assert.Equal(ReplacementTables.MixedSizes(1), SizeMixture.Of(SizeMixture.LogNormal)(1));
    }

    [Theory]
    [InlineData("4", "4")]
    [InlineData("016", "16")]
    [InlineData("log-normal", "log-normal")]
    [InlineData("0", null)]
    [InlineData("65", null)]
    [InlineData("-4", null)]
    public void Values_have_one_text(string value, string? text) => Assert.Equal(text, SizeMixture.Normalize(value));
}
