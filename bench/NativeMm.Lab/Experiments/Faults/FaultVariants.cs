using NativeMm.AddressSpaces;
using NativeMm.Lab.Baselines.Faults;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>What handles the faults.</summary>
internal static class FaultVariants
{
    /// <summary>The default of the library.</summary>
    public static readonly Variant Speculative = new("speculative", "faults without the space's lock, areas found inside an epoch") { IsOurs = true };

    /// <summary>The other mode of the library.</summary>
    public static readonly Variant Classic = new("classic", "faults under the space's reader-writer lock") { IsOurs = true };

    /// <summary>The operating system.</summary>
    public static readonly Variant Kernel = new("kernel", "mmap and the first touch by threads of this process") { IsYardstick = true };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } =
    [
        Speculative,
        Classic,
        new("rwlock-lookup", "speculative faults of 2018: a lock around the tree, a reference count in each area"),
        new("sequence", "speculative faults of 2021: one sequence count for the space"),
        new("vmalock", "Linux from 6.4 on: a lock in each area"),
        new("no-vma", "CortenMM: protection in each entry, no areas"),
        Kernel,
    ];

    /// <summary>Whether a variant does a pattern.</summary>
    public static bool Does(Variant variant, string pattern) => pattern switch
    {
        FaultPattern.Access => variant == Speculative,
        FaultPattern.PageFault2 or FaultPattern.Collapse => variant.IsOurs,
        FaultPattern.PftHuge or FaultPattern.SamePage => variant.IsOurs || variant == Kernel,
        _ => true,
    };

    /// <summary>Makes an empty space.</summary>
    public static SpaceUnderTest Make(string variant) => variant switch
    {
        "speculative" => new NativeSpace(FaultMode.Speculative),
        "classic" => new NativeSpace(FaultMode.Classic),
        "rwlock-lookup" => new RwlockLookupSpace(),
        "sequence" => new SequenceSpace(),
        "vmalock" => new VmaLockSpace(),
        "no-vma" => new NoVmaSpace(),
        "kernel" => new KernelSpace(),
        _ => throw new ArgumentException($"There is no space called {variant}.", nameof(variant)),
    };
}
