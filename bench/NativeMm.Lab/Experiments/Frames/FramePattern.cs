namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Names of the patterns.</summary>
internal static class FramePattern
{
    public const string Bulk = "bulk";
    public const string Repeat = "repeat";
    public const string Random = "random";
    public const string Frag = "frag";

    /// <summary>Largest order whose fragmentation can be asked for: larger blocks are huge ones already.</summary>
    public const int FragOrderMax = 8;

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Bulk, Repeat, Random, Frag];
}
