namespace NativeMm.Tests.Litmus;

/// <summary>What a run on real hardware showed.</summary>
public enum LitmusVerdict
{
    /// <summary>The two sides did meet, again and again, and nothing forbidden was seen.</summary>
    Pass,

    /// <summary>Something forbidden was seen.</summary>
    Violation,

    /// <summary>The two sides did not meet often enough to say anything: there was one core, or others kept both sides from running at once.</summary>
    Inconclusive,
}
