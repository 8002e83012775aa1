namespace NativeMm.Extensions;

/// <summary>When the health check complains. A threshold of null is none.</summary>
public sealed class NativeMmHealthCheckOptions
{
    /// <summary>Share of the limit from which on the process is degraded, above 0 and up to 1. Default 0.85.</summary>
    public double? DegradedShare { get; set; } = 0.85;

    /// <summary>Share of the limit from which on the process is unhealthy, above 0 and up to 1, not below <see cref="DegradedShare"/>. Default 0.95.</summary>
    public double? UnhealthyShare { get; set; } = 0.95;

    /// <summary>Failed allocations since the check before from which on the process is degraded, 1 or more. Default 1.</summary>
    public long? DegradedFailedAllocations { get; set; } = 1;

    /// <summary>Failed allocations since the check before from which on the process is unhealthy, 1 or more. Default none.</summary>
    public long? UnhealthyFailedAllocations { get; set; }

    /// <summary>Mistakes with memory since the start from which on the process is degraded, 1 or more. Default none.</summary>
    public long? DegradedFaults { get; set; }

    /// <summary>Mistakes with memory since the start from which on the process is unhealthy, 1 or more. Default 1: what was damaged stays damaged.</summary>
    public long? UnhealthyFaults { get; set; } = 1;

    /// <summary>
    /// Whether each check validates every structure of the runtime, which takes time that grows with it. Default false. A check fails only when three
    /// validations in a row do: others work meanwhile.
    /// </summary>
    public bool Validate { get; set; }

    /// <summary>What is wrong, as sentences.</summary>
    internal IEnumerable<string> Complaints()
    {
        foreach ((string name, double? share) in ((string, double?)[])[(nameof(DegradedShare), DegradedShare), (nameof(UnhealthyShare), UnhealthyShare)])
        {
            if (share is { } value && value is not (> 0 and <= 1))
            {
                yield return FormattableString.Invariant($"{name} is {value}; it must be above 0 and up to 1.");
            }
        }

        if (DegradedShare > UnhealthyShare)
        {
            yield return FormattableString.Invariant($"UnhealthyShare is {UnhealthyShare}; it must be DegradedShare, {DegradedShare}, or more.");
        }

        (string, long?)[] counts =
        [
            (nameof(DegradedFailedAllocations), DegradedFailedAllocations), (nameof(UnhealthyFailedAllocations), UnhealthyFailedAllocations),
            (nameof(DegradedFaults), DegradedFaults), (nameof(UnhealthyFaults), UnhealthyFaults),
        ];
        foreach ((string name, long? count) in counts)
        {
            if (count < 1)
            {
                yield return FormattableString.Invariant($"{name} is {count}; it must be 1 or more.");
            }
        }
    }
}
