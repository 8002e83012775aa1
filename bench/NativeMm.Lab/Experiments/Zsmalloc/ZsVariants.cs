using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Who takes part in which part.</summary>
internal static class ZsVariants
{
    /// <summary>Two objects a page.</summary>
    public static readonly Variant Zbud = new("zbud", "two objects a page, 64-byte chunks");

    /// <summary>Three objects a page.</summary>
    public static readonly Variant Z3fold = new("z3fold", "three objects a page, 64-byte chunks, the middle is moved");

    /// <summary>What <see cref="ZsPools.PerClass"/> must be denser than.</summary>
    public static IReadOnlyList<Variant> Density { get; } = [AllocatorPeers.NativeMm, AllocatorPeers.Glibc, Zbud, Z3fold];

    /// <summary>Everybody.</summary>
    public static IReadOnlyList<Variant> All { get; } =
    [
        .. ZsPools.All,
        .. Density,
        .. PageStores.Stores,
        .. PageStores.Codecs,
    ];

    /// <summary>Everybody in a part.</summary>
    public static IEnumerable<Variant> Of(string part) => part switch
    {
        ZsPart.Density => [ZsPools.PerClass, .. Density, .. ZsPools.Encodings],
        ZsPart.Compaction => ZsPools.Lockings,
        ZsPart.Store or ZsPart.Load => PageStores.Stores.Concat(PageStores.Codecs),
        _ => ZsPools.All,
    };
}
