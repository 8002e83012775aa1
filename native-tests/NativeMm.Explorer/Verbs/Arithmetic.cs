using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Verbs;

/// <summary>A read-modify-write that always succeeds. What is above the word's width is cut off by whoever writes it.</summary>
internal readonly record struct Arithmetic(ArithmeticKind Kind, ulong Operand) : IChange
{
    /// <inheritdoc/>
    public bool TryMake(ulong old, object? oldReference, out ulong value, out object? reference)
    {
        reference = null;
        value = Kind switch
        {
            ArithmeticKind.Set => Operand,
            ArithmeticKind.Add => old + Operand,
            ArithmeticKind.Or => old | Operand,
            _ => old & Operand,
        };
        return true;
    }
}
