namespace NativeMm.Heap;

/// <summary>
/// How a thread reaches its cache of the shared heap. The type has no static constructor and nothing else in it, so that the runtime keeps the
/// pointer directly in the thread's own block and the JIT reaches it without a lookup in the table of thread statics.
/// </summary>
internal static unsafe class SharedHeapThread
{
    /// <summary>The calling thread's cache of the shared heap, or null.</summary>
    [ThreadStatic]
    public static ThreadCache* t_cache;
}
