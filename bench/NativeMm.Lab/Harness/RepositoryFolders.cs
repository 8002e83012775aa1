namespace NativeMm.Lab.Harness;

/// <summary>Where the project lies, seen from the running executable.</summary>
internal static class RepositoryFolders
{
    /// <summary>The folder with <c>NativeMm.sln</c>, found by walking up from the executable; null when the lab runs elsewhere.</summary>
    public static string? Root { get; } = FindRoot(AppContext.BaseDirectory) ?? FindRoot(Environment.CurrentDirectory);

    /// <summary>Where reports and built helpers go.</summary>
    public static string Artifacts { get; } = Path.Combine(Root ?? Environment.CurrentDirectory, "artifacts");

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
