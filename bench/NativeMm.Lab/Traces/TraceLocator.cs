using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Traces;

/// <summary>Finds trace files by short name or by path.</summary>
internal static class TraceLocator
{
    private const string Suffix = ".nmtrace.gz";

    /// <summary>The traces that come with the project.</summary>
    public static IReadOnlyList<string> Names { get; } = ["sqlite", "cc1plus", "python-json", "mariadb", "perl", "node"];

    /// <summary>What <c>--set trace=</c> takes: a short name, or any trace file.</summary>
    public static ParameterDefinition Parameter { get; } = new(
        "trace",
        "the trace to replay",
        Names,
        value => Names.Contains(value) && !File.Exists(value) ? Shipped(value) : Find(value),
        $"{string.Join('|', Names)} or a trace file");

    /// <summary>The file behind a short name or path.</summary>
    /// <param name="nameOrPath">One of <see cref="Names"/>, or the path of any trace file.</param>
    /// <returns>The full path, or null when there is no such file.</returns>
    public static string? Find(string nameOrPath)
    {
        if (File.Exists(nameOrPath))
        {
            return Path.GetFullPath(nameOrPath);
        }

        return Names.Contains(nameOrPath) ? RepositoryFolders.Shipped("traces", nameOrPath + Suffix) : null;
    }

    /// <summary>The file behind a short name or path.</summary>
    /// <param name="nameOrPath">One of <see cref="Names"/>, or the path of any trace file.</param>
    /// <exception cref="LabUsageException">There is no such file.</exception>
    public static string Get(string nameOrPath) => Find(nameOrPath) ?? throw new LabUsageException(
        $"The trace {nameOrPath} is missing: it is neither in bench/traces of the repository nor in the folder traces beside the lab.");

    /// <summary>The short name of a file: its own without folder and endings.</summary>
    public static string NameOf(string path)
    {
        string name = Path.GetFileName(path);
        foreach (string ending in (string[])[".gz", ".nmtrace"])
        {
            name = name.EndsWith(ending, StringComparison.Ordinal) && name.Length > ending.Length ? name[..^ending.Length] : name;
        }

        return name;
    }

    /// <summary>A short name whose file is there; where it is not, that is what is wrong, and not the name.</summary>
    private static string Shipped(string name)
    {
        _ = Get(name);
        return name;
    }
}
