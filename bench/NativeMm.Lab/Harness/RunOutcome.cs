using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>What a run of the lab produced.</summary>
/// <param name="Rows">One row for every case that was measured.</param>
/// <param name="Failures">Cases whose child process failed, with the reason.</param>
/// <param name="LeftOut">Lines about what was left out and why.</param>
/// <param name="Duration">Wall time of all launches.</param>
internal sealed record RunOutcome(
    IReadOnlyList<ResultRow> Rows,
    IReadOnlyDictionary<Case, string> Failures,
    IReadOnlyList<string> LeftOut,
    TimeSpan Duration)
{
    /// <summary>How it was made; null where a test made it.</summary>
    public RunConditions? Conditions { get; init; }

    /// <summary>Whether it ended before its time because somebody wanted it to.</summary>
    public bool IsInterrupted { get; init; }

    /// <summary>Whether no launch failed and nobody ended it.</summary>
    public bool IsComplete => Failures.Count == 0 && !IsInterrupted;

    /// <summary>The row of a case, or null.</summary>
    public ResultRow? Find(Case wanted) => Rows.FirstOrDefault(r => r.Case == wanted);
}
