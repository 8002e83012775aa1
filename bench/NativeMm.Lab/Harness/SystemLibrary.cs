using System.Globalization;
using System.Runtime.InteropServices;

namespace NativeMm.Lab.Harness;

/// <summary>Versions of native libraries, without loading them.</summary>
internal static unsafe class SystemLibrary
{
    /// <summary>Version of the GNU C library that this process runs on, or null.</summary>
    public static string? GlibcVersion
    {
        get
        {
            if (!NativeLibrary.TryLoad("libc.so.6", out nint library) || !NativeLibrary.TryGetExport(library, "gnu_get_libc_version", out nint export))
            {
                return null;
            }

            return Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)export)());
        }
    }

    /// <summary>The real file behind a library's name carries its version; where it does not, the package's record does.</summary>
    public static string Describe(string library)
    {
        string name = Path.GetFileName(library);
        FileSystemInfo? target = File.ResolveLinkTarget(library, returnFinalTarget: true);
        return PackageVersion(name) ?? target?.Name ?? name;
    }

    // Debian records every package's files in one list and its version in one stanza; both are plain text.
    private static string? PackageVersion(string library)
    {
        const string Lists = "/var/lib/dpkg/info";
        const string Status = "/var/lib/dpkg/status";
        if (!Directory.Exists(Lists) || !File.Exists(Status))
        {
            return null;
        }

        string? list = Directory.EnumerateFiles(Lists, "lib*.list")
            .FirstOrDefault(l => File.ReadLines(l).Any(f => f.EndsWith('/' + library)));
        if (list is null)
        {
            return null;
        }

        string package = Path.GetFileNameWithoutExtension(list).Split(':')[0];
        string? version = File.ReadLines(Status)
            .SkipWhile(l => l != $"Package: {package}")
            .TakeWhile(l => l.Length > 0)
            .FirstOrDefault(l => l.StartsWith("Version: ", StringComparison.Ordinal));
        return version is null ? null : string.Create(CultureInfo.InvariantCulture, $"{version["Version: ".Length..]} ({package})");
    }
}
