using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>Which traces there are, and with how many entries they are measured.</summary>
internal static class CacheTraces
{
    /// <summary>What stands for no folder.</summary>
    public const string None = "none";

    /// <summary>What stands for the folder beside the repository.</summary>
    public const string Beside = "../shared/cache-traces";

    /// <summary>What the names of the lab's own traces begin with.</summary>
    public const string OwnPrefix = "synthetic-";

    /// <summary>Extension of a trace.</summary>
    public const string Extension = ".nmcache.gz";

    /// <summary>The corda trace, five times the loop, then the corda trace with other keys.</summary>
    public const string CordaLoops = "corda-5loop-corda";

    private static readonly Dictionary<string, int[]> s_recorded = new()
    {
        ["loop"] = [512],
        ["multi3"] = [1000],
        ["sprite"] = [500, 1000],
        ["corda"] = [512],
        [CordaLoops] = [512],
        ["web12"] = [300, 1200, 3000],
        ["oltp"] = [250, 1000, 5000, 10_000],
        ["p3"] = [32_768, 131_072],
        ["orm-busy"] = [625, 1250, 5000, 10_000],
        ["orm-night"] = [1250, 5000],
        ["scarab-recs"] = [50_000, 100_000],
        ["w106"] = [10_000, 50_000],
    };

    /// <summary>Names of recorded traces.</summary>
    public static IEnumerable<string> Recorded => s_recorded.Keys;

    /// <summary>Names of the lab's own.</summary>
    public static IEnumerable<string> Own => SyntheticCacheTrace.Kinds.Select(kind => OwnPrefix + kind);

    /// <summary>The folder <c>shared/cache-traces</c> in one of the folders above the repository, or null.</summary>
    public static string? FolderBeside { get; } = Find(RepositoryFolders.Root);

    /// <summary>How many entries a trace is measured with.</summary>
    public static IReadOnlyList<int> EntriesOf(string trace) => s_recorded.GetValueOrDefault(trace) ?? [SyntheticCacheTrace.Entries];

    /// <summary>The recorded traces of a folder whose files are there.</summary>
    public static IEnumerable<string> In(string folder) => Recorded.Where(trace => PartsOf(trace).All(part => File.Exists(FileOf(folder, part))));

    /// <summary>Reads or makes a trace.</summary>
    /// <param name="trace">Its name.</param>
    /// <param name="folder">Where recorded ones are, or null.</param>
    /// <exception cref="InvalidDataException">The file is broken.</exception>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public static CacheTrace Read(string trace, string? folder)
    {
        if (trace.StartsWith(OwnPrefix, StringComparison.Ordinal))
        {
            return SyntheticCacheTrace.Make(trace[OwnPrefix.Length..]);
        }

        string from = folder ?? throw new FileNotFoundException($"Trace {trace} is not here: --set traces=FOLDER says where it is.");
        CacheTrace[] parts = [.. PartsOf(trace).Distinct().Select(part => CacheTrace.Read(FileOf(from, part)))];
        return trace == CordaLoops ? CacheTrace.Join(parts[0], Enumerable.Repeat(parts[1], 5), parts[0]) : parts[0];
    }

    private static string[] PartsOf(string trace) => trace == CordaLoops ? ["corda", "loop"] : [trace];

    private static string FileOf(string folder, string trace) => Path.Combine(folder, trace + Extension);

    private static string? Find(string? root)
    {
        for (DirectoryInfo? above = root is null ? null : Directory.GetParent(root); above is not null; above = above.Parent)
        {
            string folder = Path.Combine(above.FullName, "shared", "cache-traces");
            if (Directory.Exists(folder))
            {
                return folder;
            }
        }

        return null;
    }
}
