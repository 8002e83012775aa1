namespace NativeMm.Lab.Experiments.Idle;

/// <summary>Which blocks of a burst stay when the others are freed.</summary>
internal static class Survivors
{
    /// <summary>Those that were allocated first: they lie together, and whole pages become free.</summary>
    public const string First = "first";

    /// <summary>
    /// Any, the same in each run and for each allocator: nearly every page keeps one. The hard case; who may not move objects can give back
    /// little more than the holes that happen to be larger than a page.
    /// </summary>
    public const string Random = "random";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [First, Random];
}
