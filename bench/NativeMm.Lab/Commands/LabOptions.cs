using System.CommandLine;
using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Commands;

/// <summary>Options that commands share, and how their texts are read.</summary>
internal static class LabOptions
{
    private const int ThreadsMax = 256;
    private const int RepeatMax = 1000;
    private const double SecondsMax = 3600;

    /// <summary>Which experiments.</summary>
    public static Argument<string[]> Experiments(string description, bool required) => new("experiment")
    {
        Description = description,
        Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore,
    };

    /// <summary>Launches of each case.</summary>
    public static Option<string?> Repeat() => new("--repeat")
    {
        Description = $"launches of each case (default {RunSettings.RepeatDefault}, service 1)",
        HelpName = "N",
    };

    /// <summary>Where the rows go.</summary>
    public static Option<string?> Json() => new("--json") { Description = "write the results to a file", HelpName = "FILE" };

    /// <summary>Where the picture goes.</summary>
    public static Option<string?> Report() => new("--report") { Description = "write a page with charts to a file", HelpName = "FILE" };

    /// <summary>Where curves over time go, each as a file.</summary>
    public static Option<string?> Pictures() => new("--pictures") { Description = "write each set of curves over time to a folder as SVG", HelpName = "FOLDER" };

    /// <summary>Reads <c>--repeat</c>.</summary>
    public static int? ParseRepeat(string? text) => ParseWhole(text, "--repeat", 1, RepeatMax);

    /// <summary>Reads <c>--seconds</c>.</summary>
    public static double? ParseSeconds(string? text) =>
        text is null ? null : ParseNumber(text, "--seconds", 0, SecondsMax, wholeOnly: false);

    /// <summary>Reads <c>--threads</c>.</summary>
    public static IReadOnlyList<int>? ParseThreads(string? text) =>
        text is null ? null : [.. SplitList(text, "--threads").Select(t => (int)ParseNumber(t, "--threads", 0, ThreadsMax, wholeOnly: true)).Distinct()];

    /// <summary>Reads a whole number; null where there is none.</summary>
    public static int? ParseWhole(string? text, string option, int least, int most) =>
        text is null ? null : (int)ParseNumber(text, option, least, most, wholeOnly: true);

    /// <summary>Reads a percentage, as 5%; null where there is none.</summary>
    /// <returns>0.05 for 5 %.</returns>
    public static double? ParsePercent(string? text, string option) =>
        text is null ? null : ParseNumber(text.EndsWith('%') ? text[..^1] : text, option, 0, 1000, wholeOnly: false) / 100;

    /// <summary>Splits a list at its commas.</summary>
    public static string[] SplitList(string text, string option)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parts.Length > 0 ? parts : throw new LabUsageException($"{option} needs at least one value.");
    }

    private static double ParseNumber(string text, string option, double least, double most, bool wholeOnly)
    {
        NumberStyles style = wholeOnly ? NumberStyles.None : NumberStyles.AllowDecimalPoint;
        return double.TryParse(text, style, CultureInfo.InvariantCulture, out double number) && number >= least && number <= most
            ? number
            : throw new LabUsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"Bad value '{text}' for {option}: expected a {(wholeOnly ? "whole " : string.Empty)}number from {least} to {most}."));
    }
}
