namespace NativeMm.Zsmalloc;

/// <summary>How the allocator locks, as a struct type parameter: the JIT turns it into constants.</summary>
internal interface IZsLocking
{
    /// <summary>Whether one lock stands for all classes. Then handles are resolved under it, too, and there is one stripe.</summary>
    static abstract bool OneLock { get; }

    /// <summary>Whether one thread at a time compacts, whatever the options say.</summary>
    static abstract bool OneCompactor { get; }
}
