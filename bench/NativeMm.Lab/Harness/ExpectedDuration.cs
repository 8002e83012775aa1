using System.Globalization;

namespace NativeMm.Lab.Harness;

/// <summary>What a long run says of its length before it begins.</summary>
internal static class ExpectedDuration
{
    /// <summary>What a launch takes beside its measuring: the process, its preparation and its warm-up.</summary>
    private const double SecondsAround = 0.5;

    private const double SecondsWorthSaying = 60;

    /// <summary>A sentence about how long so many launches take; null when that is not worth one.</summary>
    /// <param name="launches">How many.</param>
    /// <param name="settings">How each measures. Some experiments take more than they are asked to: it is a lower bound.</param>
    /// <param name="budget">When the run ends at the latest; null for when all is done.</param>
    public static string? Text(int launches, RunSettings settings, TimeSpan? budget)
    {
        double seconds = launches * (settings.Seconds + SecondsAround);
        if (seconds < SecondsWorthSaying)
        {
            return null;
        }

        return budget is { } most && most.TotalSeconds < seconds
            ? string.Create(CultureInfo.InvariantCulture, $"{launches} launches, as many of them as {most.TotalMinutes:0.#} min have room for.")
            : string.Create(CultureInfo.InvariantCulture, $"{launches} launches: {Math.Ceiling(seconds / 60):0} min at least.");
    }
}
