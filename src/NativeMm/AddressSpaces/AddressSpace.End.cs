using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The end.</content>
public sealed partial class AddressSpace
{
    private SleepLock _endLock;
    private bool _released;

    /// <summary>Whether somebody reads, writes, leases or pins a page at this moment.</summary>
    internal bool IsHeld
    {
        get
        {
            Span<ulong> words = stackalloc ulong[Hazards.Capacity];
            return PinnedPages != 0 || !Hazards.Look(_key, words).IsEmpty;
        }
    }

    /// <summary>
    /// Unmaps everything and gives all memory back. Faults in flight, changes of the layout and whoever looks are waited for; who comes later gets an
    /// <see cref="ObjectDisposedException"/>. A second call waits for the first and does nothing. Never fails, and allocates no managed memory.
    /// </summary>
    public void Dispose()
    {
        _layout.End();
        using (_endLock.EnterScope())
        {
            if (!_released)
            {
                EndAccess();
                _faults.End();
                _tables.Dispose();
                _layout.Release();
                _released = true;
            }
        }
    }

    /// <summary>A pin or a lease that outlived the frames would show what is no longer there.</summary>
    /// <exception cref="InvalidOperationException">A page is pinned or leased.</exception>
    internal void ThrowIfHeld()
    {
        if (IsHeld)
        {
            throw new InvalidOperationException(
                $"The frames of address space '{Options.Name}' would go while pages of it are pinned or leased ({PinnedPages} pinned). Dispose pins and leases first.");
        }
    }

    /// <summary>Checks everything, for an owner who does not know whether the space is disposed at the same time.</summary>
    internal void ValidateUnlessDisposed()
    {
        try
        {
            Validate();
        }
        catch (ObjectDisposedException) when (IsDisposed)
        {
            // It ended first.
        }
    }

    /// <summary>Counts everything, or gives null when the space is disposed.</summary>
    internal AddressSpaceStatistics? StatisticsUnlessDisposed()
    {
        try
        {
            return GetStatistics();
        }
        catch (ObjectDisposedException) when (IsDisposed)
        {
            return null;
        }
    }
}
