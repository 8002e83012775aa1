namespace NativeMm.Heap.Sampled;

/// <summary>How far the calling thread is from its next guarded allocation. One for all its heaps: it only spreads the samples.</summary>
internal static class SampleCountdown
{
    /// <summary>Allocations that are left; at 0 or below the next one is guarded.</summary>
    [ThreadStatic]
    public static long t_left;

    /// <summary>Whether the thread drew its first interval. Without that every short thread would be guarded at once.</summary>
    [ThreadStatic]
    public static bool t_hasBegun;

    /// <summary>The last call for refills that the thread has answered.</summary>
    [ThreadStatic]
    public static uint t_call;
}
