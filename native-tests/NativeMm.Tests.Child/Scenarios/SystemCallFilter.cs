using System.Runtime.InteropServices;
using NativeMm.Platform;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Makes this thread live on a kernel that does not have a call: whoever makes it gets an error number (seccomp).</summary>
internal static unsafe class SystemCallFilter
{
    private const int SetModeFilter = 1;
    private const int NoNewPrivileges = 38;
    private const ushort LoadWord = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;
    private const uint Fail = 0x0005_0000;
    private const uint Allow = 0x7fff_0000;

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Refuses a call from now on.</summary>
    /// <param name="call">Its number.</param>
    /// <param name="errno">What whoever makes it is told.</param>
    /// <returns>False when the system does not allow filters.</returns>
    public static bool TryRefuse(int call, int errno)
    {
        // The number of the call is the first word of what the filter looks at.
        Instruction* program = stackalloc Instruction[4];
        program[0] = new Instruction(LoadWord, 0, 0, 0);
        program[1] = new Instruction(JumpIfEqual, 0, 1, (uint)call);
        program[2] = new Instruction(Return, 0, 0, Fail | (uint)errno);
        program[3] = new Instruction(Return, 0, 0, Allow);
        var filter = new Filter(4, program);
        return LibC.SystemCall(IsArm64 ? 167 : 157, NoNewPrivileges, 1, 0, 0, 0) == 0
            && LibC.SystemCall(IsArm64 ? 277 : 317, SetModeFilter, 0, (nint)(&filter), 0, 0) == 0;
    }

    private readonly struct Instruction(ushort code, byte ifTrue, byte ifFalse, uint operand)
    {
        public readonly ushort Code = code;
        public readonly byte IfTrue = ifTrue;
        public readonly byte IfFalse = ifFalse;
        public readonly uint Operand = operand;
    }

    private readonly struct Filter(ushort length, Instruction* program)
    {
        public readonly ushort Length = length;
        public readonly Instruction* Program = program;
    }
}
