using NativeMm.Frames;

namespace NativeMm.AddressSpaces;

/// <summary>The page tables of a space.</summary>
internal sealed class PageTables(IFrameAllocator frames) : IPageTables, IDisposable
{
    /// <summary>Where tables and pages come from.</summary>
    public IFrameAllocator Frames => frames;

    /// <inheritdoc/>
    public bool TryPrepareBoundary(ulong page, bool mayBeHuge) => true;

    /// <inheritdoc/>
    public bool TryPrepareMove(VpnRange source, ulong destination) => true;

    /// <inheritdoc/>
    public void Clear(VpnRange pages)
    {
    }

    /// <inheritdoc/>
    public void Protect(VpnRange pages, Protection protection)
    {
    }

    /// <inheritdoc/>
    public void Move(VpnRange source, ulong destination)
    {
    }

    /// <inheritdoc/>
    public void Cool(VpnRange pages)
    {
    }

    /// <inheritdoc/>
    public bool TryCopyTo(IPageTables child, VpnRange pages) => true;

    /// <summary>Gives all frames back that are left.</summary>
    public void Dispose()
    {
    }
}
