using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class LaunchOrderTests
{
    private static readonly Case s_a = new("heap", "a", 1, ParameterValues.Of("size", "1"));
    private static readonly Case s_b = new("heap", "b", 2, ParameterValues.Of("size", "1"));
    private static readonly Case s_other = new("heap", "a", 1, ParameterValues.Of("size", "2"));

    [Fact]
    public void Variants_and_threads_take_turns_within_a_set_of_parameters() =>
        Assert.Equal([s_a, s_b, s_a, s_b, s_other, s_other], LaunchOrder.Interleaved([s_a, s_b, s_other], 2));

    [Fact]
    public void An_experiment_says_how_often_it_is_launched_unless_somebody_else_does()
    {
        var service = new Case("service", "nativemm", 1, ParameterValues.Of("gib", "4", "values", "compressible", "rate", "2000"));
        Assert.Equal([service, s_a, s_a, s_a, s_a, s_a], LaunchOrder.Interleaved([service, s_a], null));
        Assert.Equal([service, service, s_a, s_a], LaunchOrder.Interleaved([service, s_a], 2));
    }

    [Fact]
    public void Experiments_take_turns_within_a_round()
    {
        Case trace = new("trace", "a", 1, ParameterValues.Of("trace", "x"));
        Case peer = trace with { Variant = "b" };
        Case next = new("trace", "a", 1, ParameterValues.Of("trace", "y"));
        Assert.Equal([trace, peer, s_a, s_b, next, s_other], LaunchOrder.Rounds([(trace, 1), (peer, 1), (next, 1), (s_a, 1), (s_b, 1), (s_other, 1)]));
    }

    [Fact]
    public void Rounds_launch_everything_once_before_anything_twice() =>
        Assert.Equal([s_a, s_b, s_other, s_a, s_other, s_other], LaunchOrder.Rounds([(s_a, 2), (s_b, 1), (s_other, 3)]));
}
