using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using NativeMm.Diagnostics;
using NativeMm.Runtime;
using NativeMm.Slabs;

namespace NativeMm.Extensions;

/// <summary>The process.</summary>
/// <param name="runtime">The service's runtime.</param>
/// <param name="limit">Reads resident bytes.</param>
/// <param name="services">
/// Has the service's handlers. They are looked up when they are asked, not when this is made: one that wants the budget itself would never be made.
/// </param>
internal sealed class BudgetSystem(MemoryRuntime runtime, ProcessLimit limit, IServiceProvider services) : IBudgetSystem
{
    private readonly FailureLog _failures = new("memory pressure handler");
    private readonly FailureLog _trimFailures = new("the memory budget");

    /// <inheritdoc/>
    public long Resident => limit.ReadResident();

    /// <inheritdoc/>
    public long Managed => long.Max(GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes, GC.GetTotalMemory(forceFullCollection: false));

    /// <inheritdoc/>
    public bool TrySetManagedLimit(long bytes) => ManagedLimit.TrySet(this, bytes);

    /// <inheritdoc/>
    public void EndManagedLimit() => ManagedLimit.End(this);

    /// <inheritdoc/>
    public long TrimCaches() => Trim(runtime) + Trim(MemoryRuntime.SharedIfUsed) + SlabStores.TrimAll();

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "One handler that fails must not keep the others from being asked.")]
    public long AskHandlers(long bytes)
    {
        long released = 0;
        foreach (IMemoryPressureHandler handler in services.GetServices<IMemoryPressureHandler>())
        {
            try
            {
                // Whatever a handler says of itself, the sum stays one.
                released += released < bytes ? long.Clamp(handler.Release(bytes - released), 0, long.MaxValue - released) : 0;
            }
            catch (Exception failure)
            {
                _failures.Note(failure);
            }
        }

        return released;
    }

    /// <inheritdoc/>
    public void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>One that somebody disposed, or whose device fails, must not keep the other caches from shrinking.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The failure is written down; the others are still to be asked.")]
    private long Trim(MemoryRuntime? one)
    {
        try
        {
            return (long)(one?.Trim() ?? 0);
        }
        catch (Exception failure)
        {
            _trimFailures.Note(failure);
            return 0;
        }
    }
}
