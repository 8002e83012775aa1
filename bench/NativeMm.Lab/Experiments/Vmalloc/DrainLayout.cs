namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>How freed areas lie in drain.</summary>
internal static class DrainLayout
{
    /// <summary>Between any two freed areas lies one that stays: nothing merges.</summary>
    public const string Alternating = "alternating";

    /// <summary>All areas are freed: in the end they are one piece.</summary>
    public const string Mergeable = "mergeable";

    /// <summary>Both.</summary>
    public static readonly string[] All = [Alternating, Mergeable];
}
