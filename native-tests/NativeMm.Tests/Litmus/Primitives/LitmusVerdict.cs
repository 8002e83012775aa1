namespace NativeMm.Tests.Litmus;

/// <summary>What a run on real hardware showed.</summary>
public enum LitmusVerdict
{
    /// <summary>The two sides did meet, and nothing forbidden was seen.</summary>
    Pass,

    /// <summary>Something forbidden was seen.</summary>
    Violation,

    /// <summary>The two sides never met closely enough to say anything.</summary>
    Inconclusive,
}
