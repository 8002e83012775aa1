using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <summary>
/// An address space of its own, of 47 bits: areas that are mapped, protected, moved and unmapped, page tables, and pages that come by faults when they
/// are first used. Addresses mean something to this space alone and are no pointers.
/// </summary>
/// <remarks>
/// Thread-safe, <see cref="Dispose"/> too: whoever is inside is waited for, and whoever comes later gets an <see cref="ObjectDisposedException"/>. A change of the layout
/// that throws has changed nothing.
/// </remarks>
public sealed partial class AddressSpace : IDisposable, IAsyncDisposable
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 1 << PageShift;

    /// <summary>The lowest address that can be mapped: 64 KiB.</summary>
    public const long LowestAddress = (long)AreaLayout.LowestPage << PageShift;

    /// <summary>The address behind the last that can be mapped: 2⁴⁷ − 4096.</summary>
    public const long EndAddress = (long)AreaLayout.EndPage << PageShift;

    internal const int PageShift = 12;

    private readonly IFrameAllocator _frames;
    private readonly AreaLayout _layout;
    private readonly PageTables _tables;

    /// <summary>Makes an empty space over a frame allocator, which must outlive it.</summary>
    /// <param name="frames">Where tables and pages come from.</param>
    /// <param name="options">The options.</param>
    /// <param name="epochs">The epochs of whoever looks areas up without a lock; shared by the spaces of a runtime.</param>
    /// <param name="swap">Where pages go that have no frame; the caller's. Null when none leave.</param>
    /// <param name="workers">Who gives much memory back at once; null when whoever lets go of it does.</param>
    internal AddressSpace(
        IFrameAllocator frames, AddressSpaceOptions options, EpochDomain epochs, ISwapBackend? swap = null, TeardownWorkers? workers = null)
    {
        options.Validate();

        // The end needs it, and cannot be refused it.
        _ = LeafMap.None;
        Options = options;
        _frames = frames;
        _tables = new PageTables(frames, swap);
        _layout = new AreaLayout(frames.Zone.Platform, _tables, options, epochs);
        BeginRelease(workers);
        BeginAccess();
    }

    /// <summary>The options in force.</summary>
    public AddressSpaceOptions Options { get; }

    /// <summary>Whether <see cref="Dispose"/> was called. True may come at any moment, and is final.</summary>
    public bool IsDisposed => _layout.HasEnded;

    /// <summary>Whoever must know of each fork before it is used, so that none outlives the frames; null when nobody must.</summary>
    internal Action<AddressSpace>? Adopt { get; init; }

    /// <summary>Who keeps account of pins; null outside of the checked mode. Set before the first pin.</summary>
    internal IPinWatch? PinWatch { get; set; }

    /// <summary>The areas and their lock.</summary>
    internal AreaLayout Layout => _layout;
}
