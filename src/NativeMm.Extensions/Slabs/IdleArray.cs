namespace NativeMm.Slabs;

/// <summary>A returned array.</summary>
/// <param name="Array">The array.</param>
/// <param name="IdleSince">The pass in which it was returned.</param>
/// <param name="IsResident">Whether its whole pages may have memory behind them.</param>
internal readonly record struct IdleArray(byte[] Array, int IdleSince, bool IsResident);
