using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Runtime;
using NativeMm.Slabs;

namespace NativeMm.Extensions;

/// <summary>The process.</summary>
/// <param name="runtime">The service's runtime.</param>
/// <param name="limit">Reads resident bytes.</param>
/// <param name="handlers">The service's handlers.</param>
internal sealed class BudgetSystem(MemoryRuntime runtime, ProcessLimit limit, IEnumerable<IMemoryPressureHandler> handlers) : IBudgetSystem
{
    private readonly IMemoryPressureHandler[] _handlers = [.. handlers];
    private readonly FailureLog _failures = new("memory pressure handler");

    /// <inheritdoc/>
    public long Resident => limit.ReadResident();

    /// <inheritdoc/>
    public long Managed => long.Max(GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes, GC.GetTotalMemory(forceFullCollection: false));

    /// <inheritdoc/>
    public bool TrySetManagedLimit(long bytes) => ManagedLimit.TrySet(this, bytes);

    /// <inheritdoc/>
    public void EndManagedLimit() => ManagedLimit.End(this);

    /// <inheritdoc/>
    public long TrimCaches() => (long)(runtime.Trim() + (MemoryRuntime.SharedIfUsed?.Trim() ?? 0)) + SlabStores.TrimAll();

    /// <inheritdoc/>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "One handler that fails must not keep the others from being asked.")]
    public long AskHandlers(long bytes)
    {
        long released = 0;
        foreach (IMemoryPressureHandler handler in _handlers)
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
}
