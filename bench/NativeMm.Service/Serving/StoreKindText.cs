namespace NativeMm.Service.Serving;

/// <summary>What the command line calls the stores.</summary>
internal static class StoreKindText
{
    /// <summary>Reads a name.</summary>
    /// <exception cref="ArgumentException">There is no such store.</exception>
    public static StoreKind Parse(string text) => text switch
    {
        "managed" => StoreKind.Managed,
        "hybrid" => StoreKind.Hybrid,
        "nativemm" => StoreKind.NativeMm,
        _ => throw new ArgumentException($"--store is '{text}'; it must be managed, hybrid or nativemm."),
    };
}
