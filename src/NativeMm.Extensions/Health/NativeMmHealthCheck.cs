using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>How close the process is to its limit, and what went wrong. Thread-safe.</summary>
internal sealed class NativeMmHealthCheck(MemoryRuntime runtime, ProcessLimit limit, NativeMmHealthCheckOptions options) : IHealthCheck
{
    private const int ValidationsMax = 3;

    private ulong _failedBefore = (ulong)MemoryFaultCounts.FailedAllocations;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        long bytesMax = limit.Bytes;
        long resident = limit.ReadResident();
        double share = (double)resident / bytesMax;
        long failed = MemoryFaultCounts.FailedAllocations;
        long failedNow = long.Max(failed - (long)Atomic.Exchange(ref _failedBefore, (ulong)failed), 0);
        long faults = MemoryFaultCounts.Total;
        string? invalid = options.Validate ? Validate() : null;

        var data = new Dictionary<string, object>
        {
            ["resident_bytes"] = resident,
            ["limit_bytes"] = bytesMax,
            ["failed_allocations"] = failedNow,
            ["faults"] = faults,
        };
        var unhealthy = new List<string>();
        var degraded = new List<string>();
        string inUse = string.Create(CultureInfo.InvariantCulture, $"{share:P0} of the limit is in use");
        Judge(share >= options.UnhealthyShare, share >= options.DegradedShare, $"{inUse}: {ByteSize.Round(resident)} of {ByteSize.Round(bytesMax)}");
        Judge(failedNow >= options.UnhealthyFailedAllocations, failedNow >= options.DegradedFailedAllocations, $"{failedNow} allocations failed");
        Judge(faults >= options.UnhealthyFaults, faults >= options.DegradedFaults, $"{faults} mistakes with memory were found");
        Judge(invalid is not null, false, $"the validation failed: {invalid}");

        HealthStatus worst = unhealthy.Count != 0 ? context.Registration.FailureStatus : degraded.Count != 0 ? HealthStatus.Degraded : HealthStatus.Healthy;
        string text = string.Join("; ", unhealthy.Concat(degraded));
        return Task.FromResult(new HealthCheckResult(worst, text.Length == 0 ? inUse : text, exception: null, data));

        void Judge(bool isUnhealthy, bool isDegraded, string what)
        {
            if (isUnhealthy || isDegraded)
            {
                (isUnhealthy ? unhealthy : degraded).Add(what);
            }
        }
    }

    /// <summary>What every one of several validations found wrong; null when one of them found nothing.</summary>
    private string? Validate()
    {
        string? last = null;
        for (int i = 0; i < ValidationsMax; i++)
        {
            try
            {
                runtime.Validate();
                return null;
            }
            catch (InvariantViolationException violation)
            {
                last = violation.Message;
            }
        }

        return last;
    }
}
