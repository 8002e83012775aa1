using System.Globalization;
using NativeMm.Diagnostics;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Recording;

/// <summary>Where a recording goes and when it ends.</summary>
/// <param name="Out">The trace file.</param>
/// <param name="RecordsMax">Most records.</param>
/// <param name="Patience">How long to record; null means until the program ends or the user interrupts.</param>
internal sealed record RecordTarget(string Out, uint RecordsMax, TimeSpan? Patience)
{
    /// <summary>The file when nothing is said: in the artifacts folder, named after what is recorded.</summary>
    public static string DefaultOut(string name) => Path.Combine(RepositoryFolders.Artifacts, "traces", $"{name}.nmtrace.gz");

    /// <summary>The last lines: what there is now, and what to do with it.</summary>
    public string Describe(TraceBuilder built, uint records) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Count(records, "record")}, {Count(built.Objects, "object")}, {Count(built.Threads, "thread")}, {built.PeakLiveBytes / 1048576.0:n1} MiB live at the peak: {Out}\nReplay it: run trace --set trace={Argument(Out)}");

    private static string Count(long number, string what) => CountText.Of(number, what, "n0");

    // The line is there to be pasted into a shell.
    private static string Argument(string text) =>
        text.All(c => char.IsLetterOrDigit(c) || "/._-+,@%".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
