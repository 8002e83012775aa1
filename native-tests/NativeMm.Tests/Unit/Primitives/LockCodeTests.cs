using NativeMm.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Unit;

/// <summary>What the JIT makes of locks with statistics switched off: nothing of the statistics.</summary>
public sealed class LockCodeTests(ITestOutputHelper output)
{
    [OptimizedFact]
    public void Spin_lock_without_statistics_is_the_bare_lock()
    {
        IReadOnlyList<MethodCode> code = CodeGeneration.Disassemble("lock-code", "SectionUnderBareWord", "SectionUnderPlainSpinLock");
        (MethodCode bare, MethodCode plain) = (code[0], code[1]);
        output.WriteLine(plain.Text);
        Assert.Equal(1, plain.AtomicOperations);
        Assert.Equal((bare.AtomicOperations, bare.Branches), (plain.AtomicOperations, plain.Branches));
        Assert.Equal(bare.Instructions.Count, plain.Instructions.Count);
        Assert.True(MethodCode.IsCallTo(Assert.Single(plain.Calls), "EnterContended"), plain.Text);
        AssertNoTraceOfAClock(plain);
    }

    [OptimizedTheory]
    [InlineData("SectionUnderCountedSpinLock")]
    public void Control_with_statistics_reads_the_clock_twice(string method)
    {
        MethodCode counted = CodeGeneration.Disassemble("lock-code", method)[0];
        output.WriteLine(counted.Text);
        int reads = counted.Calls.Count(call => MethodCode.IsCallTo(call, "GetTimestamp"));
        Assert.True(reads == 2 || (reads > 2 && !MethodCode.NamesTargets), counted.Text);
    }

    private static void AssertNoTraceOfAClock(MethodCode code)
    {
        Assert.DoesNotContain("Timestamp", code.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("LockStatistics:", code.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("rdtsc", code.Text, StringComparison.Ordinal);
    }
}
