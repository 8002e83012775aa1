using System.Runtime.InteropServices;
using NativeMm.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Architecture.AddressSpaces;

/// <summary>What the JIT makes of an access that hits: it is inlined, has no locked instruction, and calls nothing but what is rare. One row a form.</summary>
public sealed class AccessCodeTests(ITestOutputHelper output)
{
    // Code bytes may differ a little from one service release of the runtime to the next.
    private const double BytesTolerance = 1.1;

    private static readonly string[] s_rare = [":LeaseReadSlow(", ":ThrowEnded(", ":ThrowEndedTwice(", "CORINFO_HELP_RNGCHKFAIL"];

    [OptimizedTheory]
    [InlineData("ReadOfSpace", "ReadSlow", 6, 190)]
    [InlineData("WriteOfSpace", "WriteSlow", 6, 180)]
    public void Hit_path_is_straight(string method, string tail, int branchesMax, int bytesMax)
    {
        MethodCode code = CodeGeneration.Disassemble("access-code", method)[0];
        output.WriteLine(code.Text);
        output.WriteLine($"{method}: {code.Calls.Count} calls, {code.Branches} branches, {code.AtomicOperations} atomics, {code.CodeBytes} bytes");
        Assert.Equal(0, code.AtomicOperations);
        Assert.All(code.Calls, call => Assert.True(MethodCode.IsCallTo(call, tail), call));
        Assert.Single(code.Calls);
        if (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.InRange(code.Branches, 1, branchesMax);
            Assert.InRange(code.CodeBytes, 1, (int)(bytesMax * BytesTolerance));
        }
    }

    [OptimizedFact]
    public void Lease_that_hits_is_inlined_and_has_no_locked_instruction()
    {
        MethodCode code = CodeGeneration.Disassemble("access-code", "LeaseOfSpace")[0];
        output.WriteLine(code.Text);
        Assert.Equal(0, code.AtomicOperations);
        Assert.Contains(code.Calls, call => MethodCode.IsCallTo(call, s_rare[0]));
        Assert.All(code.Calls, call => Assert.True(s_rare.Any(name => MethodCode.IsCallTo(call, name)), call));
    }
}
