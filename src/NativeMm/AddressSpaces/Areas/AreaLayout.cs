using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The layout of a space: its areas and the lock that they change under.</summary>
internal sealed unsafe class AreaLayout
{
    private readonly IPageTables _tables;
    private readonly IMemoryPlatform _platform;

    /// <summary>Makes an empty layout.</summary>
    /// <param name="platform">Where records and nodes come from.</param>
    /// <param name="tables">The entries behind the areas.</param>
    /// <param name="options">Limits.</param>
    /// <param name="epochs">The epochs that readers without the lock are inside of.</param>
    public AreaLayout(IMemoryPlatform platform, IPageTables tables, AddressSpaceOptions options, EpochDomain epochs)
    {
        _platform = platform;
        _tables = tables;
        Options = options;
        Tree = new VmaTree();
        _ = epochs;
        _ = _platform;
        _ = _tables;
    }

    /// <summary>The options in force.</summary>
    public AddressSpaceOptions Options { get; }

    /// <summary>The areas in order, for whoever looks a page up.</summary>
    public VmaTree Tree { get; }

    /// <summary>Takes the lock as one of its readers, as a classic fault does. The caller is outside of every epoch.</summary>
    /// <exception cref="ObjectDisposedException">The space is disposed; the lock is not taken.</exception>
    public void EnterRead() => throw new NotImplementedException(Tree.ToString());

    /// <summary>Gives the lock up.</summary>
    public void ExitRead() => throw new NotImplementedException(Tree.ToString());

    /// <summary>
    /// Makes an area that grows down reach a page below it, if there is one that may. For a fault that found no area there, with no lock and outside of
    /// every epoch; it looks the page up again afterwards.
    /// </summary>
    /// <returns>Whether the page lies in an area of some kind.</returns>
    public bool TryGrowTo(ulong page)
    {
        _ = page;
        throw new NotImplementedException(Tree.ToString());
    }
}
