using NativeMm.Explorer.Rewriting;

namespace NativeMm.Explorer.Running;

/// <summary>A folder with this program beside the rewritten library, where the workers run; its own for each tour.</summary>
internal sealed class RewrittenCopy : IDisposable
{
    /// <summary>The file with what the places of the rewritten library mean.</summary>
    public const string NotesName = "places.txt";

    private const string Library = "NativeMm.dll";

    private readonly string _folder = Directory.CreateTempSubdirectory("explorer-").FullName;

    /// <summary>Makes the folder.</summary>
    public RewrittenCopy()
    {
        string from = AppContext.BaseDirectory;
        foreach (string file in Directory.EnumerateFiles(from).Where(file => Path.GetExtension(file) is ".dll" or ".json" or ".pdb"))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)), overwrite: true);
        }

        LibraryRewriter.Rewrite(Path.Combine(from, Library), Path.Combine(_folder, Library), Path.Combine(_folder, NotesName));
    }

    /// <summary>The program in it.</summary>
    public string Program => Path.Combine(_folder, Path.GetFileName(typeof(RewrittenCopy).Assembly.Location));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
