using System.Text.RegularExpressions;

namespace NativeMm.Tests.Architecture;

/// <summary>
/// The layers of the architecture: a folder may use itself and folders of lower layers. Folders of one layer do not know each other.
/// </summary>
public static partial class LayerTable
{
    private static readonly Dictionary<string, int> s_layers = new(StringComparer.Ordinal)
    {
        ["Primitives"] = 0,
        ["Diagnostics"] = 1,
        ["Platform"] = 1,
        ["Eviction"] = 1,
        ["Frames"] = 2,
        ["Reporting"] = 3,
        ["Teardown"] = 3,
        ["Heap"] = 4,
        ["Vmap"] = 4,
        ["Zsmalloc"] = 4,
        ["AddressSpaces"] = 4,
        ["Runtime"] = 5,
        ["Buffers"] = 6,
        ["Pages"] = 6,
        ["Caching"] = 7,
    };

    /// <summary>Whether a folder is in the table.</summary>
    public static bool Knows(string folder) => s_layers.ContainsKey(folder);

    /// <summary>Uses in a file that the table forbids, as sentences.</summary>
    /// <param name="file">The file.</param>
    /// <param name="typesByFolder">Names of the types of each folder, to recognize names that are qualified by a folder alone.</param>
    public static IEnumerable<string> Violations(SourceFile file, ILookup<string, string> typesByFolder)
    {
        IEnumerable<string> named = FullName().Matches(file.Code).Select(match => match.Groups[1].Value);
        IEnumerable<string> qualified = PartialName().Matches(file.Code)
            .Where(match => typesByFolder[match.Groups[1].Value].Contains(match.Groups[2].Value))
            .Select(match => match.Groups[1].Value);
        return named.Where(used => used != NamespaceOf(file.Folder))
            .Concat(qualified)
            .Concat(NamespaceMates(file, typesByFolder))
            .Distinct()
            .Where(used => used != file.Folder && Knows(used) && !MayUse(file.Folder, used))
            .Select(used => $"{file.Path} uses {used}");
    }

    /// <summary>Folders that share a namespace see each other's types without naming a folder, so each of their names counts as a use.</summary>
    private static IEnumerable<string> NamespaceMates(SourceFile file, ILookup<string, string> typesByFolder) => s_layers.Keys
        .Where(other => other != file.Folder && NamespaceOf(other) == NamespaceOf(file.Folder))
        .Where(other => Name().Matches(file.Code).Any(match => typesByFolder[other].Contains(match.Value)));

    /// <summary>The namespace of a folder's types: its own name, but for the page store, whose users find it among the buffers.</summary>
    private static string NamespaceOf(string folder) => folder == "Pages" ? "Buffers" : folder;

    private static bool MayUse(string folder, string used) => Knows(folder) && s_layers[used] < s_layers[folder];

    [GeneratedRegex(@"\bNativeMm\s*\.\s*([A-Z]\w*)")]
    private static partial Regex FullName();

    [GeneratedRegex(@"(?<![\w.])([A-Z]\w*)\s*\.\s*([A-Z]\w*)")]
    private static partial Regex PartialName();

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*")]
    private static partial Regex Name();
}
