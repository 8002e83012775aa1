namespace NativeMm.Explorer.Machine;

/// <summary>How far a search goes.</summary>
/// <param name="Preemptions">How often in one execution a strand is stopped that could go on.</param>
/// <param name="StaleReads">How often in one execution a read gives another value than the newest.</param>
/// <param name="ExecutionsMax">Where the search gives up; it is not complete then.</param>
internal sealed record Bounds(int Preemptions = 3, int StaleReads = 2, long ExecutionsMax = 5_000_000)
{
    /// <summary>Steps of one execution; a longer one counts as a finding, because it would not end.</summary>
    public int StepsMax { get; init; } = 5000;

    /// <summary>Whether executions are run too that others stand for, in cases that would leave them out.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Whether executions that others stand for are left out in cases too that would run them.</summary>
    public bool IsReduced { get; init; }
}
