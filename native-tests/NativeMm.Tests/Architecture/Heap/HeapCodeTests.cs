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
    [InlineData("AllocConstantOfShared", 1, 3, 100)]
    [InlineData("AllocVariableOfShared", 1, 4, 118)]
    [InlineData("FreeOfShared", 1, 5, 146)]
    public void Hit_path_is_straight(string method, int calls, int branchesMax, int bytesMax)
    {
        MethodCode code = CodeGeneration.Disassemble("heap-code", method)[0];
        output.WriteLine(code.Text);
        output.WriteLine($"{method}: {code.Calls.Count} calls, {code.Branches} branches, {code.AtomicOperations} atomics, {code.CodeBytes} bytes");
        Assert.Equal(0, code.AtomicOperations);
        string[] tails = [.. code.Calls.Where(call => !IsThreadStaticHelper(call))];
        Assert.All(tails, call => Assert.True(IsTail(call), call));
        Assert.Equal(calls, tails.Length);
        Assert.InRange(code.Calls.Count - tails.Length, 0, 1);
        if (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.InRange(code.Branches, 1, branchesMax);
            Assert.InRange(code.CodeBytes, 1, (int)(bytesMax * BytesTolerance));
        }
    }

    /// <summary>
    /// The lookup of the thread must leave a plain loop. It does as long as no branch leads to it and the loop has few nodes: whoever makes the
    /// hit path longer sees it here.
    /// </summary>
    [OptimizedTheory]
    [InlineData("AllocLoopOfShared")]
    [InlineData("FreeLoopOfShared")]
    public void A_loop_looks_its_thread_up_once(string method)
    {
        MethodCode code = CodeGeneration.Disassemble("heap-code", method)[0];
        output.WriteLine(code.Text);
        Assert.Contains(code.Calls, IsTail);
        Assert.NotEmpty(code.LoopedInstructions);
        if (RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64)
        {
            Assert.DoesNotContain(code.LoopedInstructions, line => line.StartsWith("call", StringComparison.Ordinal) && IsThreadStaticHelper(line));
        }
    }

    private static bool IsTail(string call) =>
        call.Contains("AllocSlow", StringComparison.Ordinal)
        || call.Contains("FreeSlow", StringComparison.Ordinal);

    // The helper's address is in a register; every call of a method names it.
    private static bool IsThreadStaticHelper(string call) => !call.Contains(':', StringComparison.Ordinal);
}
