namespace NativeMm.Heap;

/// <summary>
/// Where <see cref="NativeHeap.Shared"/> comes from. The runtime above sets it when the assembly is loaded, so that the heap layer need not
/// know who wires it.
/// </summary>
internal static class SharedHeapSource
{
    private static Func<NativeHeap>? s_factory;

    /// <summary>Sets the factory. Called once, before anything uses the heap.</summary>
    public static void Set(Func<NativeHeap> factory) => s_factory = factory;

    /// <summary>Makes the shared heap.</summary>
    public static NativeHeap Create() =>
        (s_factory ?? throw new InvalidOperationException("No runtime has announced itself as the source of the shared heap."))();
}
