using NativeMm.Primitives;

namespace NativeMm.Diagnostics;

/// <summary>
/// Mistakes with memory that were found in this process, and allocations that failed: for alarms. They are counted whether anybody listens to the events or
/// not. Thread-safe.
/// </summary>
public static class MemoryFaultCounts
{
    private static readonly long[] s_counts = new long[Enum.GetValues<MemoryFaultKind>().Length];
    private static long s_failedAllocations;

    /// <summary>Mistakes of all kinds since the process began.</summary>
    public static long Total => s_counts.Sum();

    /// <summary>Allocations of heaps that threw an <see cref="OutOfMemoryException"/> since the process began. A <c>TryAlloc</c> that says false is none.</summary>
    public static long FailedAllocations => Atomic.LoadAcquire(ref s_failedAllocations);

    /// <summary>Mistakes of one kind since the process began.</summary>
    /// <param name="kind">Which mistake.</param>
    /// <returns>0 or more; it never falls.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public static long Of(MemoryFaultKind kind) => (uint)kind < (uint)s_counts.Length
        ? Atomic.LoadAcquire(ref s_counts[(int)kind])
        : throw new ArgumentOutOfRangeException(nameof(kind), kind, $"A kind is 0 to {s_counts.Length - 1}.");

    internal static void Add(MemoryFaultKind kind) => Atomic.Add(ref s_counts[(int)kind], 1);

    internal static void AddFailedAllocation() => Atomic.Add(ref s_failedAllocations, 1);
}
