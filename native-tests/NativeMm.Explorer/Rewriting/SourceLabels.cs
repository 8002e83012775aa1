using System.Text.RegularExpressions;

namespace NativeMm.Explorer.Rewriting;

/// <summary>The lines of source files, and the labels at their ends.</summary>
internal sealed partial class SourceLabels
{
    private readonly Dictionary<string, string[]> _files = [];

    /// <summary>A line, counted from 1; empty where there is none.</summary>
    public string Line(string path, int line)
    {
        if (!_files.TryGetValue(path, out string[]? lines))
        {
            _files[path] = lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        }

        return line >= 1 && line <= lines.Length ? lines[line - 1] : "";
    }

    /// <summary>The label that a line carries behind its code, as <c>SeqCount[S3]</c>; empty without one.</summary>
    public string LabelOf(string path, int line)
    {
        Match match = Label().Match(Line(path, line));
        return match.Success ? $"{Path.GetFileName(path).Split('.')[0]}[{match.Groups["label"].Value}]" : "";
    }

    /// <summary>The first label of a comment that follows code: those behind it name partners.</summary>
    [GeneratedRegex(@"^.*\S.*?//[^\[]*\[(?<label>[A-Z]{1,2}\d+)\]")]
    private static partial Regex Label();
}
