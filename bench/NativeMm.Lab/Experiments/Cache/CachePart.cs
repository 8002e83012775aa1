namespace NativeMm.Lab.Experiments.Cache;

/// <summary>Names of the parts.</summary>
internal static class CachePart
{
    public const string Hits = "hits";
    public const string Get = "get";
    public const string Set = "set";
    public const string Mixed = "mixed";
    public const string Memory = "memory";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Hits, Get, Set, Mixed, Memory];

    /// <summary>Whether a part is timed.</summary>
    public static bool IsTimed(string part) => part is Get or Set or Mixed;
}
