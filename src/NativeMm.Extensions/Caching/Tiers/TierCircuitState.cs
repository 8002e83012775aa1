namespace NativeMm.Extensions;

/// <summary>Whether a second tier is asked.</summary>
public enum TierCircuitState
{
    /// <summary>Every call goes through.</summary>
    Closed,

    /// <summary>The last calls failed in a row: for a while there is none.</summary>
    Open,

    /// <summary>The while is over: one call tries, the others still go without.</summary>
    HalfOpen,
}
