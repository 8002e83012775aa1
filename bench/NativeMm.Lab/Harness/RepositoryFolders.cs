namespace NativeMm.Lab.Harness;

/// <summary>Where the project lies, seen from the running executable.</summary>
internal static class RepositoryFolders
{
    /// <summary>The folder with <c>NativeMm.sln</c>, found by walking up from the executable; null when the lab runs elsewhere.</summary>
    public static string? Root { get; } = FindRoot(AppContext.BaseDirectory) ?? FindRoot(Environment.CurrentDirectory);

    /// <summary>Where reports and built helpers go.</summary>
    public static string Artifacts { get; } = Path.Combine(Root ?? Environment.CurrentDirectory, "artifacts");

    /// <summary>A file that comes with the lab: in <c>bench</c> of the repository, or beside a lab that was published.</summary>
    /// <param name="folder">Its folder there.</param>
    /// <param name="file">Its name.</param>
    /// <returns>Its path, or null when it is in neither place.</returns>
    public static string? Shipped(string folder, string file) => Shipped(Root, AppContext.BaseDirectory, folder, file);

    internal static string? Shipped(string? root, string lab, string folder, string file)
    {
        string beside = Path.Combine(lab, folder, file);
        string inRepository = root is null ? beside : Path.Combine(root, "bench", folder, file);
        return File.Exists(inRepository) ? inRepository : File.Exists(beside) ? beside : null;
    }

    private static string? FindRoot(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "NativeMm.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
