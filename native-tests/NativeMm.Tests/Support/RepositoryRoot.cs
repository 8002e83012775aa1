namespace NativeMm.Tests.Support;

/// <summary>The folder with NativeMm.sln, found from the test assembly upwards.</summary>
public static class RepositoryRoot
{
    /// <summary>Its path.</summary>
    public static string Path { get; } = Find();

    /// <summary>A path below it.</summary>
    public static string Combine(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "NativeMm.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("NativeMm.sln is not above the test assembly.");
    }
}
