using System.Globalization;

namespace NativeMm.Lab.Harness;

/// <summary>How results were made: without it two files cannot be compared.</summary>
/// <param name="Settings">How was measured.</param>
/// <param name="UseBefore">Share of the processors' time that others used before the first launch; null where the system does not tell.</param>
/// <param name="UseAfter">The same after the last launch.</param>
internal sealed record RunConditions(RunSettings Settings, double? UseBefore, double? UseAfter)
{
    private const string UsePrefix = "used_by_others";

    /// <summary>Whether it ended before its time, so that cases may have fewer launches than <c>repeat</c> says.</summary>
    public bool IsInterrupted { get; init; }

    /// <summary>Name and value, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts =>
    [
        new("seconds", Settings.Seconds.ToString(CultureInfo.InvariantCulture)),
        new("repeat", Settings.Repeat?.ToString(CultureInfo.InvariantCulture) ?? "by experiment"),
        new("quick", Settings.Quick ? "yes" : "no"),
        new("pin", Settings.Pin ? "yes" : "no"),
        new("interrupted", IsInterrupted ? "yes" : "no"),
        new($"{UsePrefix}_before", Percent(UseBefore)),
        new($"{UsePrefix}_after", Percent(UseAfter)),
    ];

    /// <summary>Where two descriptions differ in a way that makes figures differ; empty when they do not. What only one of them has is left out.</summary>
    public static IReadOnlyList<string> Differences(
        IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> after) =>
    [
        .. from fact in before
           where !fact.Key.StartsWith(UsePrefix, StringComparison.Ordinal) && fact.Key is not ("time" or "nativemm")
           where after.TryGetValue(fact.Key, out string? other) && other != fact.Value
           select $"{fact.Key}: {fact.Value}, then {after[fact.Key]}",
    ];

    private static string Percent(double? share) => share is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known * 100:F0} %") : "unknown";
}
