using NativeMm.Eviction;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>Spaces that keep no more pages in memory than they may.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Makes an empty space whose pages leave memory when there are too many.</summary>
    /// <typeparam name="TPolicy">Which pages leave.</typeparam>
    /// <param name="frames">Where tables and pages come from; outlives the space.</param>
    /// <param name="options">The options.</param>
    /// <param name="epochs">The epochs of whoever looks areas up without a lock.</param>
    /// <param name="swap">Where pages go; the caller's, who ends it after the space, and after all forks of it.</param>
    /// <param name="residentPagesMax">Most pages in memory, at least 16.</param>
    /// <param name="adopt">Who takes forks of the space in.</param>
    /// <param name="workers">Who gives much memory back at once.</param>
    internal static AddressSpace CreateLimited<TPolicy>(
        IFrameAllocator frames, AddressSpaceOptions options, EpochDomain epochs, ISwapBackend swap, int residentPagesMax, Action<AddressSpace>? adopt = null,
        TeardownWorkers? workers = null)
        where TPolicy : struct, IReplacementPolicy
    {
        var space = new AddressSpace(frames, options, epochs, swap, workers) { Adopt = adopt };
        try
        {
            _ = new Reclaimer<TPolicy>(space._tables, residentPagesMax);
        }
        catch
        {
            space.Dispose();
            throw;
        }

        return space;
    }

    /// <summary>Who is told of pages that came back; set before the first access.</summary>
    internal ISwapInObserver? SwapIns
    {
        get => _tables.SwapIns;
        set => _tables.SwapIns = value;
    }

    /// <summary>Has pages leave that were not used lately. Nothing happens in a space without a limit. Thread-safe.</summary>
    /// <param name="pages">How many are wanted.</param>
    /// <returns>How many left.</returns>
    internal long Reclaim(long pages) => _tables.Residency?.Reclaim(pages) ?? 0;

    /// <summary>What reclaim has done; all zero in a space without a limit.</summary>
    internal ReclaimStatistics GetReclaimStatistics() => _tables.Residency?.GetStatistics() ?? default;
}
