using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Peers;

/// <summary>The allocators that the lab compares, as variants of its experiments.</summary>
internal static class AllocatorPeers
{
    /// <summary>NativeMm's heap.</summary>
    public static readonly Variant NativeMm = new("nativemm", "NativeHeap.Shared") { IsOurs = true };

    /// <summary>NativeMm's heap with every check switched on.</summary>
    public static readonly Variant NativeMmChecked = new("nativemm-checked", "NativeHeap.Shared in checked mode")
    {
        IsOurs = true,
        Environment = new Dictionary<string, string> { ["NATIVEMM_CHECKED"] = "1" },
    };

    /// <summary>The C library through the framework.</summary>
    public static readonly Variant Glibc = new("glibc", "System.Runtime.InteropServices.NativeMemory");

    /// <summary>mimalloc in the strongest form.</summary>
    public static readonly Variant Mimalloc = new("mimalloc", "mi_malloc by function pointer with SuppressGCTransition")
    {
        Missing = LibraryLocator.Mimalloc is null ? Absent("mimalloc", "libmimalloc2.0") : null,
    };

    /// <summary>jemalloc under the framework.</summary>
    public static readonly Variant Jemalloc = Preloaded("jemalloc", LibraryLocator.Jemalloc, "libjemalloc2");

    /// <summary>gperftools' malloc under the framework.</summary>
    public static readonly Variant Tcmalloc = Preloaded("tcmalloc", LibraryLocator.Tcmalloc, "libgoogle-perftools4");

    /// <summary>The framework's array pool.</summary>
    public static readonly Variant ArrayPool = new("arraypool", "ArrayPool<byte>.Shared");

    /// <summary>The garbage collector.</summary>
    public static readonly Variant Gc = new("gc", "new byte[n]");

    /// <summary>Everybody.</summary>
    public static IReadOnlyList<Variant> All { get; } = [NativeMm, NativeMmChecked, Glibc, Mimalloc, Jemalloc, Tcmalloc, ArrayPool, Gc];

    /// <summary>Whoever gives memory back without the garbage collector's help, each in the form that a service would run.</summary>
    public static IReadOnlyList<Variant> WithoutCollector { get; } = [NativeMm, Glibc, Mimalloc, Jemalloc, Tcmalloc];

    /// <summary>Brings a visitor together with a variant's allocator type.</summary>
    /// <param name="variant">Name of one of <see cref="All"/>.</param>
    /// <param name="visitor">What to do.</param>
    public static TResult Accept<TVisitor, TResult>(string variant, TVisitor visitor)
        where TVisitor : IPeerVisitor<TResult> => variant switch
        {
            "nativemm" or "nativemm-checked" => visitor.Visit<NativeMmAllocator, AddressHandle>(),
            "glibc" or "jemalloc" or "tcmalloc" => visitor.Visit<NativeMemoryAllocator, AddressHandle>(),
            "mimalloc" => visitor.Visit<MimallocAllocator, AddressHandle>(),
            "arraypool" => visitor.Visit<ArrayPoolAllocator, ArrayHandle>(),
            "gc" => visitor.Visit<GarbageCollectedAllocator, ArrayHandle>(),
            _ => throw new ArgumentException($"There is no allocator called {variant}.", nameof(variant)),
        };

    /// <summary>The line that says why a peer is left out.</summary>
    public static string Absent(string name, string package) =>
        $"{name} is left out: its library is not installed (Debian package {package}).";

    private static Variant Preloaded(string name, string? library, string package) =>
        new(name, "preloaded under System.Runtime.InteropServices.NativeMemory")
        {
            Missing = library is null ? Absent(name, package) : null,
            Environment = library is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["LD_PRELOAD"] = library },
        };
}
