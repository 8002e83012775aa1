using System.Diagnostics;
using System.Globalization;

namespace NativeMm.Lab.Harness;

/// <summary>The lab's own programs and libraries in C, compiled on first use into the artifacts folder.</summary>
internal static class NativeTool
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>Where they and what they need lie.</summary>
    public static string Folder => Path.Combine(RepositoryFolders.Artifacts, "native");

    /// <summary>Why there are none here, in a few words; null when there are.</summary>
    public static string? Missing { get; } = !OperatingSystem.IsLinux()
        ? "it needs Linux"
        : FindCompiler() is null ? "there is no C compiler (Debian package gcc)" : null;

    /// <summary>Compiles a source, unless that was done since it changed.</summary>
    /// <param name="source">Name of the file beside the lab's executable, in its folder Native.</param>
    /// <param name="output">Name of the result.</param>
    /// <param name="options">Further options of the compiler.</param>
    /// <returns>Path of the result.</returns>
    public static string Build(string source, string output, params string[] options)
    {
        string code = Path.Combine(AppContext.BaseDirectory, "Native", source);
        string result = Path.Combine(Folder, output);
        if (!IsNewer(result, code))
        {
            InstallAtomically(result, at =>
            {
                var compile = new ProcessStartInfo(FindCompiler()!);
                foreach (string argument in (string[])["-O2", "-std=gnu11", .. options, "-o", at, code])
                {
                    compile.ArgumentList.Add(argument);
                }

                // The compiler is no subject of the measurement: it runs under the system's own allocator.
                compile.Environment.Remove("LD_PRELOAD");
                Run(compile);
            });
        }

        return result;
    }

    /// <summary>Makes a file so that whoever looks sees all of it or none: two labs may run at once, and the last rename wins.</summary>
    public static void InstallAtomically(string path, Action<string> prepare)
    {
        Directory.CreateDirectory(Folder);
        string temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");
        prepare(temporary);
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Whether a made file is there and not older than what it was made of.</summary>
    public static bool IsNewer(string made, string source) =>
        File.Exists(made) && File.GetLastWriteTimeUtc(made) >= File.GetLastWriteTimeUtc(source);

    /// <summary>Runs a program to its end and gives what it said.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string Run(ProcessStartInfo start)
    {
        ProcessOutput output = ProcessOutput.Of(start, s_patience);
        return output.ExitCode == 0
            ? output.Out.Trim()
            : throw new InvalidOperationException($"{Path.GetFileName(start.FileName)} failed: {output.Error.Trim()}");
    }

    private static string? FindCompiler() =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => (string[])[Path.Combine(folder, "cc"), Path.Combine(folder, "gcc")])
            .FirstOrDefault(File.Exists);
}
