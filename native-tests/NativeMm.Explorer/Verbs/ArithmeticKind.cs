namespace NativeMm.Explorer.Verbs;

/// <summary>What a read-modify-write computes.</summary>
internal enum ArithmeticKind
{
    Set,
    Add,
    Or,
    And,
}
