namespace NativeMm.Explorer.Running;

/// <summary>How a search ended.</summary>
/// <param name="Executions">How many were run.</param>
/// <param name="Steps">How many steps they had.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="IsComplete">Whether these are all within the bounds.</param>
/// <param name="Failure">What went wrong in the last execution, or null.</param>
/// <param name="Seed">What repeats the last execution.</param>
/// <param name="Trace">The failed execution, a line a step.</param>
/// <param name="Labels">Labels at which something atomic was done.</param>
internal sealed record Outcome(
    long Executions, long Steps, double Seconds, bool IsComplete, string? Failure, string Seed, IReadOnlyList<string> Trace, IReadOnlyList<string> Labels)
{
    /// <summary>Whether an execution failed. A worker that died, or that could not make the bad copy that it was asked for, has found nothing.</summary>
    public bool IsFinding => Failure is not null && Executions != 0;
}
