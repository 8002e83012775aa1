using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Diagnostics;

/// <summary>Which checks are evaluated where.</summary>
public sealed class InvariantTests
{
#if DEBUG
    private const bool IsDebug = true;
#else
    private const bool IsDebug = false;
#endif

    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("0", IsDebug)]
    [InlineData("", IsDebug)]
    public void Structures_look_at_themselves_in_a_debug_build_and_in_the_checked_mode_of_the_process(string value, bool look)
    {
        ChildResult child = ChildProcess.Run("assertion", [], [KeyValuePair.Create(CheckedOptions.EnabledVariable, value)]);
        Assert.Equal(look ? 1 : 0, child.ExitCode);
    }

    [Fact]
    public void An_assertion_is_evaluated_in_a_debug_build_alone()
    {
        Exception? failure = Record.Exception(static () => Invariant.Assert(false, $"{2} are none"));
        Assert.Equal(IsDebug, failure is InvariantViolationException);
    }

    [Fact]
    public void A_message_is_put_together_only_for_a_check_that_fails()
    {
        Invariant.Check(true, $"never {Fail()}");
        InvariantViolationException failure = Assert.Throws<InvariantViolationException>(static () => Invariant.Check(false, $"{2 + 2} is not {5:x2}"));
        Assert.Contains("4 is not 05", failure.Message, StringComparison.Ordinal);
    }

    private static int Fail() => throw new InvalidOperationException("The message of a check that holds was put together.");
}
