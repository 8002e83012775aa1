using NativeMm.Tests.Support;

namespace NativeMm.Tests.Architecture;

/// <summary>One file of the core: where it lies, and its code without comments and texts.</summary>
/// <param name="Folder">The folder under src/NativeMm, empty for the root.</param>
/// <param name="Name">The file's name.</param>
/// <param name="Code">Its code; comments and the content of literals are blank.</param>
/// <param name="LineCount">Its length.</param>
public sealed record SourceFile(string Folder, string Name, string Code, int LineCount)
{
    /// <summary>All files of the core.</summary>
    public static IReadOnlyList<SourceFile> All { get; } = ReadAll();

    /// <summary>The name for messages.</summary>
    public string Path => Folder.Length == 0 ? Name : $"{Folder}/{Name}";

    /// <summary>Makes one from a text.</summary>
    public static SourceFile FromText(string folder, string name, string text) =>
        new(folder, name, CSharpText.WithoutCommentsAndLiterals(text), text.Split('\n').Length);

    private static SourceFile[] ReadAll()
    {
        string root = RepositoryRoot.Combine("src", "NativeMm");
        return
        [
            .. Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
                .Select(file => (File: file, Parts: System.IO.Path.GetRelativePath(root, file).Split(System.IO.Path.DirectorySeparatorChar)))
                .Where(entry => entry.Parts[0] is not ("bin" or "obj"))
                .OrderBy(entry => entry.File, StringComparer.Ordinal)
                .Select(entry => FromText(entry.Parts.Length == 1 ? "" : entry.Parts[0], entry.Parts[^1], File.ReadAllText(entry.File))),
        ];
    }
}
