namespace NativeMm.Extensions;

/// <summary>What a load brought: a value, or that this process has the entry, however old, or nothing.</summary>
/// <param name="Value">The value; null where there is none.</param>
/// <param name="IsLocal">Whether to look in this process.</param>
internal readonly record struct TierAnswer(ReadOnlyMemory<byte>? Value, bool IsLocal)
{
    /// <summary>There is no entry.</summary>
    public static TierAnswer None => default;

    /// <summary>This process has it, if anybody.</summary>
    public static TierAnswer Local => new(null, IsLocal: true);
}
