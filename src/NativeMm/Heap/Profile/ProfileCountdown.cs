namespace NativeMm.Heap.Profile;

/// <summary>How many bytes the calling thread is from its next sample. One for all its heaps with one interval.</summary>
internal static class ProfileCountdown
{
    /// <summary>Bytes that are left; below 0 samples are due.</summary>
    [ThreadStatic]
    public static double t_left;

    /// <summary>The profile that it was drawn for.</summary>
    [ThreadStatic]
    public static HeapProfile? t_of;
}
