using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>An address space of its own: areas, page tables, and pages that come by faults.</summary>
public sealed partial class AddressSpace : IDisposable
{
    private readonly AreaLayout _layout;
    private readonly PageTables _tables;

    /// <summary>Makes an empty space over a frame allocator, which must outlive it.</summary>
    /// <param name="frames">Where tables and pages come from.</param>
    /// <param name="options">The options.</param>
    /// <param name="epochs">The epochs of whoever looks areas up without a lock; shared by the spaces of a runtime.</param>
    /// <param name="swap">Where pages go that have no frame; the caller's. Null when none leave.</param>
    internal AddressSpace(IFrameAllocator frames, AddressSpaceOptions options, EpochDomain epochs, ISwapBackend? swap = null)
    {
        options.Validate();
        Options = options;
        _tables = new PageTables(frames, swap);
        _layout = new AreaLayout(frames.Zone.Platform, _tables, options, epochs);
        BeginAccess();
    }

    /// <summary>The options in force.</summary>
    public AddressSpaceOptions Options { get; }

    /// <summary>The areas and their lock.</summary>
    internal AreaLayout Layout => _layout;

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        EndAccess();
        _faults.End();
        _tables.Dispose();
    }
}
