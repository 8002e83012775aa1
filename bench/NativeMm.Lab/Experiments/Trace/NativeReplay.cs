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
    /// <summary>Why it cannot be used here, in one line; null when it can.</summary>
    public static string? Missing { get; } = NativeTool.Missing is { } why ? $"the native replay is left out: {why}." : null;

    /// <summary>Replays a trace in C, in this process's environment, so that a library preloaded here is preloaded there.</summary>
    public static Measurement Measure(string traceFile, MeasurementRequest request)
    {
        var start = new ProcessStartInfo(NativeTool.Build("replay.c", "replay"));
        start.ArgumentList.Add(Unpack(traceFile));
        start.ArgumentList.Add(TraceMeasurement.Rounds.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(request.Seconds.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add((request.Pin ? CorePlan.First : -1).ToString(CultureInfo.InvariantCulture));
        string[] figures = NativeTool.Run(start).Split(' ', StringSplitOptions.TrimEntries);
        return new Measurement()
            .Add("ns_per_op", double.Parse(figures[0], CultureInfo.InvariantCulture))
            .Add("rss_peak", double.Parse(figures[1], CultureInfo.InvariantCulture));
    }

    private static string Unpack(string traceFile)
    {
        string plain = Path.Combine(NativeTool.Folder, TraceLocator.NameOf(traceFile) + ".nmtrace");
        if (!traceFile.EndsWith(".gz", StringComparison.Ordinal))
        {
            return traceFile;
        }

        if (!NativeTool.IsNewer(plain, traceFile))
        {
            NativeTool.InstallAtomically(plain, at =>
            {
                using FileStream packed = File.OpenRead(traceFile);
                using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
                using FileStream target = File.Create(at);
                unpacked.CopyTo(target);
            });
        }

        return plain;
    }
}
