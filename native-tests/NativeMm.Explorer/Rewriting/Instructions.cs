using Mono.Cecil.Cil;

namespace NativeMm.Explorer.Rewriting;

/// <summary>Insertions that jumps cannot pass by.</summary>
internal static class Instructions
{
    /// <summary>
    /// Puts instructions in front of another one. That one's object becomes the first of them, so that whoever jumps to it comes by the others.
    /// </summary>
    public static void InsertBefore(ILProcessor il, Instruction at, IReadOnlyList<Instruction> added, params IReadOnlyList<Instruction> behind)
    {
        Instruction moved = Instruction.Create(OpCodes.Nop);
        (moved.OpCode, moved.Operand) = (at.OpCode, at.Operand);
        (at.OpCode, at.Operand) = (added[0].OpCode, added[0].Operand);
        Instruction last = at;
        foreach (Instruction next in (IEnumerable<Instruction>)[.. added.Skip(1), moved, .. behind])
        {
            il.InsertAfter(last, next);
            last = next;
        }
    }
}
