using System.Runtime.InteropServices;

namespace NativeMm.Lab.Peers;

/// <summary>Finds the peers' libraries without loading them: a loaded allocator would already change the process.</summary>
internal static class LibraryLocator
{
    /// <summary>Path of mimalloc, or null.</summary>
    public static string? Mimalloc { get; } = Find("libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so");

    /// <summary>Path of jemalloc, or null.</summary>
    public static string? Jemalloc { get; } = Find("libjemalloc.so.2", "libjemalloc.so");

    /// <summary>Path of gperftools' malloc, or null; the minimal library has no profiler in it.</summary>
    public static string? Tcmalloc { get; } = Find("libtcmalloc_minimal.so.4", "libtcmalloc.so.4", "libtcmalloc_minimal.so", "libtcmalloc.so");

    private static string? Find(params string[] names)
    {
        foreach (string name in names)
        {
            foreach (string folder in Folders())
            {
                string path = Path.Combine(folder, name);
                if (File.Exists(path))
                {
                    return path;
                }
            }
        }

        return null;
    }

    private static IEnumerable<string> Folders()
    {
        string machine = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
        string searched = Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? string.Empty;
        return
        [
            .. searched.Split(':', StringSplitOptions.RemoveEmptyEntries),
            "/usr/local/lib",
            $"/usr/lib/{machine}",
            $"/lib/{machine}",
            "/usr/lib64",
            "/usr/lib",
            "/lib64",
            "/lib",
        ];
    }
}
