using System.Text.RegularExpressions;

namespace NativeMm.Explorer.Rewriting;

/// <summary>The lines of source files, and the labels at their ends.</summary>
internal sealed partial class SourceLabels
{
    // What the symbols of a reproducible build call the repository's folder.
    private const string MappedRoot = "/_/";

    private static readonly string s_root = FindRoot();

    private readonly Dictionary<string, string[]> _files = [];

    /// <summary>A line, counted from 1; empty where there is none.</summary>
    public string Line(string path, int line)
    {
        if (!_files.TryGetValue(path, out string[]? lines))
        {
            string file = path.StartsWith(MappedRoot, StringComparison.Ordinal) ? Path.Combine(s_root, path[MappedRoot.Length..]) : path;

            // What a source generator made lies in no folder and has no labels; any other source that is missing would lose its labels without a word.
            lines = File.Exists(file) ? File.ReadAllLines(file)
                : file.EndsWith(".g.cs", StringComparison.Ordinal) ? []
                : throw new FileNotFoundException($"The symbols of the library name a source that is not there: {file}.", file);
            _files[path] = lines;
        }

        return line >= 1 && line <= lines.Length ? lines[line - 1] : "";
    }

    /// <summary>The label that a line carries behind its code, as <c>SeqCount[S3]</c>; empty without one.</summary>
    public string LabelOf(string path, int line)
    {
        Match match = Label().Match(Line(path, line));
        return match.Success ? $"{Path.GetFileName(path).Split('.')[0]}[{match.Groups["label"].Value}]" : "";
    }

    /// <summary>The folder of the repository.</summary>
    /// <exception cref="DirectoryNotFoundException">The explorer runs outside of it.</exception>
    internal static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "NativeMm.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException("The explorer reads the labels in the library's sources: run it where it was built, inside the repository.");
    }

    /// <summary>The first label of a comment that follows code: those behind it name partners.</summary>
    [GeneratedRegex(@"^.*\S.*?//[^\[]*\[(?<label>[A-Z]{1,2}\d+)\]")]
    private static partial Regex Label();
}
