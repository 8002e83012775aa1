namespace NativeMm.Heap;

/// <summary>What a thread knows of a second try to make the shared heap. Apart from the heap, whose initializer makes the first one.</summary>
internal static class SharedHeapRetry
{
    /// <summary>Whether the calling thread is making it.</summary>
    [ThreadStatic]
    public static bool t_isUnderWay;
}
