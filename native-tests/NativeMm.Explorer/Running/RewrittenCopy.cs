using NativeMm.Explorer.Rewriting;

namespace NativeMm.Explorer.Running;

/// <summary>A folder with this program beside the rewritten library, where the workers run.</summary>
internal static class RewrittenCopy
{
    /// <summary>The file with what the places of the rewritten library mean.</summary>
    public const string NotesName = "places.txt";

    private const string Library = "NativeMm.dll";

    /// <summary>Makes the folder anew, and gives the program in it.</summary>
    public static string Make()
    {
        string from = AppContext.BaseDirectory;
        string to = Path.Combine(from, "rewritten");
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from).Where(file => Path.GetExtension(file) is ".dll" or ".json" or ".pdb"))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }

        LibraryRewriter.Rewrite(Path.Combine(from, Library), Path.Combine(to, Library), Path.Combine(to, NotesName));
        return Path.Combine(to, Path.GetFileName(typeof(RewrittenCopy).Assembly.Location));
    }
}
