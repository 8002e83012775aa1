using System.Text;

namespace NativeMm.Platform;

/// <summary>
/// Small text files of <c>/proc</c> and <c>/sys</c>. A file that is missing, forbidden or unreadable is null: containers hide what they like.
/// </summary>
/// <param name="root">What stands before every path: empty for the real system, a folder with captured files in tests.</param>
internal sealed class SystemFiles(string root)
{
    /// <summary>The running system.</summary>
    public static SystemFiles Real { get; } = new("");

    /// <summary>The whole text without white space at its end, or null.</summary>
    /// <param name="path">An absolute path.</param>
    public string? ReadText(string path)
    {
        // Most of what is asked for is not there, and the first exception of a process takes it ten milliseconds.
        if (!File.Exists(root + path))
        {
            return null;
        }

        try
        {
            return File.ReadAllText(root + path, Encoding.UTF8).TrimEnd();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Names of the folders below a folder that begin with a prefix and end with a number, in the order of the numbers.</summary>
    public IReadOnlyList<string> ListNumbered(string path, string prefix)
    {
        try
        {
            return Directory.EnumerateDirectories(root + path, prefix + "*")
                .Select(folder => (Name: Path.GetFileName(folder), Number: NumberAfter(Path.GetFileName(folder), prefix)))
                .Where(entry => entry.Number >= 0)
                .OrderBy(entry => entry.Number)
                .Select(entry => entry.Name)
                .ToArray();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The value of a line such as <c>MemTotal:  1024 kB</c> or <c>model name : text</c>, or null.</summary>
    public static string? FindValue(string? text, string key)
    {
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf('\n');
            ReadOnlySpan<char> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            int colon = line.IndexOf(':');
            if (colon >= 0 && line[..colon].Trim().SequenceEqual(key))
            {
                return line[(colon + 1)..].Trim().ToString();
            }
        }

        return null;
    }

    private static int NumberAfter(string name, string prefix) =>
        int.TryParse(name.AsSpan(prefix.Length), out int number) ? number : -1;
}
