namespace NativeMm.Service.Serving;

/// <summary>Where the values lie.</summary>
internal enum StoreKind
{
    /// <summary>Arrays in a <c>MemoryCache</c>, and the server's own pools.</summary>
    Managed,

    /// <summary><c>HybridCache</c> without a second tier.</summary>
    Hybrid,

    /// <summary><c>NativeCache</c>, and Kestrel's pool of this library.</summary>
    NativeMm,
}
