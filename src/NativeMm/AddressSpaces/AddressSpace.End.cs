using System.Runtime.ExceptionServices;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>The end.</content>
public sealed partial class AddressSpace
{
    private SleepLock _endLock;
    private bool _released;

    /// <summary>Whether somebody leases or pins a page. Reads, writes and faults do not count: they end by themselves, and the end waits for them.</summary>
    internal bool IsHeld => PinnedPages != 0 || Hazards.HasLeases(_key);

    /// <summary>Gives back what leases held of spaces that are disposed, and that have ended since.</summary>
    internal static void FreeOrphans() => Orphans.Flush();

    /// <summary>The same, and what is still held of these frames is forgotten: they go.</summary>
    internal static void FreeOrphans(IFrameAllocator frames)
    {
        Orphans.Flush();
        Orphans.Forget(frames);
    }

    /// <summary>
    /// Unmaps everything and gives all memory back. Faults in flight, changes of the layout and whoever looks are waited for; who comes later gets an
    /// <see cref="ObjectDisposedException"/>. A second call waits for the first and does nothing. Never fails, and allocates no managed memory.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// This is called by whoever is told of the progress of an <see cref="UnmapAsync"/> of the space, for which it would wait. The space stays as it is then.
    /// </exception>
    public void Dispose() => TryEnd(watch: null);

    /// <summary>The same, which whoever looks on may stop between two steps. The space has ended all the same; the next call goes on.</summary>
    /// <returns>False when it was stopped.</returns>
    internal bool TryEnd(ReleaseWatch? watch)
    {
        if (_tables.Releases.IsReportingHere)
        {
            throw new InvalidOperationException(
                $"Address space '{Options.Name}' cannot be disposed by whoever is told of the progress of its unmap: it would wait for that unmap. Use DisposeAsync there.");
        }

        _layout.End();
        using (_endLock.EnterScope())
        {
            if (_released)
            {
                return true;
            }

            EndAccess();
            _faults.End();
            if (!_tables.Releases.Finish(watch) || !TryEndTables(watch, out Exception? failure))
            {
                return false;
            }

            _layout.Release();
            _released = true;
            if (failure is not null)
            {
                ExceptionDispatchInfo.Throw(failure);
            }

            return true;
        }
    }

    /// <summary>Gives up what the process keeps for the threads that used spaces, once the library's load context is gone.</summary>
    internal static void EndThreads() => AccessSlots.End();

    /// <summary>
    /// Frees frames that are kept for later faults, and those that nobody holds any more, has pages gathered that could not be before, and has releases go on that were
    /// cancelled. Nothing happens when the space is disposed.
    /// </summary>
    internal void FreeUnused()
    {
        _faults.FreeUnused();
        _faults.AskForMissed();
        _tables.Releases.Resume();
    }

    /// <summary>A pin or a lease that outlived the frames would show what is no longer there.</summary>
    /// <exception cref="InvalidOperationException">A page is pinned or leased.</exception>
    internal void ThrowIfHeld()
    {
        if (IsHeld)
        {
            throw new InvalidOperationException(
                $"The frames of address space '{Options.Name}' would go while pages of it are pinned or leased ({PinnedPages} pinned). Dispose pins and leases first.{PinWatch?.Describe(this)}");
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
