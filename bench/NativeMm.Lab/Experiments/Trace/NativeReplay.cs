using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>
/// The replay written in C, which shows what an allocator does without .NET. It is compiled on first use, into the artifacts folder.
/// </summary>
internal static class NativeReplay
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private static string Folder => Path.Combine(RepositoryFolders.Artifacts, "native");

    /// <summary>Why it cannot be used here, in one line; null when it can.</summary>
    public static string? Missing { get; } = !OperatingSystem.IsLinux()
        ? "the native replay is left out: it needs Linux."
        : FindCompiler() is null ? "the native replay is left out: there is no C compiler (Debian package gcc)." : null;

    /// <summary>Replays a trace in C, in this process's environment, so that a library preloaded here is preloaded there.</summary>
    public static Measurement Measure(string traceFile, MeasurementRequest request)
    {
        var start = new ProcessStartInfo(Build());
        start.ArgumentList.Add(Unpack(traceFile));
        start.ArgumentList.Add(TraceMeasurement.Rounds.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(request.Seconds.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add((request.Pin ? CorePlan.First : -1).ToString(CultureInfo.InvariantCulture));
        string[] figures = Run(start).Split(' ', StringSplitOptions.TrimEntries);
        return new Measurement()
            .Add("ns_per_op", double.Parse(figures[0], CultureInfo.InvariantCulture))
            .Add("rss_peak", double.Parse(figures[1], CultureInfo.InvariantCulture));
    }

    private static string Build()
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Native", "replay.c");
        string program = Path.Combine(Folder, "replay");
        if (!IsNewer(program, source))
        {
            InstallAtomically(program, at =>
            {
                var compile = new ProcessStartInfo(FindCompiler()!);
                foreach (string argument in (string[])["-O2", "-std=gnu11", "-o", at, source])
                {
                    compile.ArgumentList.Add(argument);
                }

                // The compiler is no subject of the measurement: it runs under the system's own allocator.
                compile.Environment.Remove("LD_PRELOAD");
                Run(compile);
            });
        }

        return program;
    }

    private static string Unpack(string traceFile)
    {
        string plain = Path.Combine(Folder, TraceLocator.NameOf(traceFile) + ".nmtrace");
        if (!traceFile.EndsWith(".gz", StringComparison.Ordinal))
        {
            return traceFile;
        }

        if (!IsNewer(plain, traceFile))
        {
            InstallAtomically(plain, at =>
            {
                using FileStream packed = File.OpenRead(traceFile);
                using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
                using FileStream target = File.Create(at);
                unpacked.CopyTo(target);
            });
        }

        return plain;
    }

    // Two labs may run at once: each prepares its own file, and the last rename wins.
    private static void InstallAtomically(string path, Action<string> prepare)
    {
        Directory.CreateDirectory(Folder);
        string temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");
        prepare(temporary);
        File.Move(temporary, path, overwrite: true);
    }

    private static bool IsNewer(string made, string source) =>
        File.Exists(made) && File.GetLastWriteTimeUtc(made) >= File.GetLastWriteTimeUtc(source);

    private static string Run(ProcessStartInfo start)
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
