using System.Runtime.InteropServices;
using NativeMm.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace NativeMm.Tests.Architecture.Heap;

/// <summary>
/// What the JIT makes of a caller of the shared heap: the hit path is inlined, has no locked instruction, and calls nothing but the tails that
/// are rare. One row an entry point.
/// </summary>
public sealed class HeapCodeTests(ITestOutputHelper output)
{
    // Code bytes may differ a little from one service release of the runtime to the next.
    private const double BytesTolerance = 1.1;

    [OptimizedTheory]
    [InlineData("AllocConstantOfShared", 1, 4, 124)]
    [InlineData("AllocVariableOfShared", 1, 5, 144)]
    [InlineData("FreeOfShared", 1, 5, 152)]
    public void Hit_path_is_straight(string method, int calls, int branchesMax, int bytesMax)
    {
        MethodCode code = CodeGeneration.Disassemble("heap-code", method)[0];
        output.WriteLine(code.Text);
        output.WriteLine($"{method}: {code.Calls.Count} calls, {code.Branches} branches, {code.AtomicOperations} atomics, {code.CodeBytes} bytes");
        Assert.Equal(0, code.AtomicOperations);
        Assert.All(code.Calls, call => Assert.True(IsTail(call), call));
        Assert.Equal(calls, code.Calls.Count);
        if (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.InRange(code.Branches, 1, branchesMax);
            Assert.InRange(code.CodeBytes, 1, (int)(bytesMax * BytesTolerance));
        }
    }

    /// <summary>
    /// Where the entry of the stack's page lies is worked out once before a loop: a plain one, and one that does a little with its blocks besides. It is
    /// so as long as the loop has at most 100 nodes of the JIT's: whoever makes the hit path longer sees it here.
    /// </summary>
    [OptimizedTheory]
    [InlineData("AllocLoopOfShared")]
    [InlineData("FreeLoopOfShared")]
    [InlineData("AllocStoreLoopOfShared")]
    [InlineData("FreeOrderLoopOfShared")]
    public void A_loop_finds_its_entry_once(string method)
    {
        MethodCode code = CodeGeneration.Disassemble("heap-code", method)[0];
        output.WriteLine(code.Text);
        Assert.Contains(code.Calls, IsTail);
        Assert.NotEmpty(code.LoopedInstructions);
        if (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.DoesNotContain(code.LoopedInstructions, line => line.StartsWith("and", StringComparison.Ordinal));
        }
    }

    private static bool IsTail(string call) => MethodCode.IsCallTo(call, "AllocSlow") || MethodCode.IsCallTo(call, "FreeSlow");
}
