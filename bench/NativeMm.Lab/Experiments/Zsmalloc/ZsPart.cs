namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Names of the parts.</summary>
internal static class ZsPart
{
    public const string Locks = "locks";
    public const string Density = "density";
    public const string Compaction = "compaction";
    public const string Store = "store";
    public const string Load = "load";
    public const string Pair = "pair";
    public const string Read = "read";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Locks, Density, Compaction, Store, Load, Pair, Read];

    /// <summary>Whether a part has compactors.</summary>
    public static bool HasCompactors(string part) => part is Locks or Compaction;

    /// <summary>Whether a part has objects of one size.</summary>
    public static bool HasSize(string part) => part is Pair or Read;

    /// <summary>Whether a part runs on one thread only.</summary>
    public static bool IsSingleThreaded(string part) => part is Density or Pair or Read;
}
