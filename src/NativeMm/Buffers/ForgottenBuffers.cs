using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// Buffers, writers and arenas that were dropped without <c>Dispose</c>. Their memory came back, but only when the garbage collector found
/// them: a figure that grows is a leak in the making. Thread-safe.
/// </summary>
public static class ForgottenBuffers
{
    private static long s_count;
    private static long s_bytes;

    /// <summary>How many since the process began.</summary>
    public static long Count => Atomic.LoadAcquire(ref s_count);

    /// <summary>Their bytes together.</summary>
    public static long Bytes => Atomic.LoadAcquire(ref s_bytes);

    internal static void Add(nuint bytes)
    {
        Atomic.Add(ref s_count, 1);
        Atomic.Add(ref s_bytes, (long)bytes);
    }
}
