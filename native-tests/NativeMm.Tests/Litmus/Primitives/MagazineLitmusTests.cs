using System.Runtime.InteropServices;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Litmus;

public sealed class MagazineLitmusTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_item_never_goes_to_owner_and_thief(int items)
    {
        using var runner = new MagazineLitmusRunner(fence: true, items);
        runner.Run(s_duration);
        output.WriteLine(runner.ToString());
        Assert.True(runner.Verdict != LitmusVerdict.Violation, runner.ToString());
    }

    [Fact]
    public void Control_of_a_thief_without_the_fence_is_caught()
    {
        using var runner = new MagazineLitmusRunner(fence: false, items: 3);
        runner.Run(5 * s_duration);
        output.WriteLine(runner.ToString());

        // On arm64 the release store and the acquire load of each side stay in order by themselves: there the control is no mistake.
        if (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.True(runner.Verdict != LitmusVerdict.Pass, runner.ToString());
        }
    }
}
