using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>Puts frames behind pages of a window and takes them away, and counts what that costs. Thread-safe.</summary>
/// <remarks>Frames that lie side by side in the zone's file become one mapping.</remarks>
internal sealed unsafe class VmapMapper(IMemoryPlatform platform, FrameZone zone, nuint window, VmapAreas areas, MappingBudget budget)
{
    private long _mapCalls;
    private long _unmapCalls;
    private long _guardRevokes;
    private int _guardsRefused;

    /// <summary>System calls that mapped something.</summary>
    public long MapCalls => Atomic.LoadAcquire(ref _mapCalls);

    /// <summary>System calls that unmapped something.</summary>
    public long UnmapCalls => Atomic.LoadAcquire(ref _unmapCalls);

    /// <summary>Times that a piece had to be hidden by guards.</summary>
    public long GuardRevokes => Atomic.LoadAcquire(ref _guardRevokes);

    /// <summary>Address of a page.</summary>
    public nuint AddressOf(uint page) => window + ((nuint)page << Pfn.FrameShift);

    /// <summary>Maps the frames in the slots of a range.</summary>
    /// <param name="start">First page.</param>
    /// <param name="pages">How many have frames.</param>
    /// <param name="guardPages">Pages behind them, 0 or 1, that must stay inaccessible.</param>
    /// <param name="holes">Pieces beside them, 0 or 1, that belong to the range and may be empty.</param>
    /// <param name="freeRanges">Pieces of free space at this moment.</param>
    /// <param name="mappings">How many mappings the range counts for, also when only a part of it could be mapped.</param>
    /// <param name="refusal">What the system said.</param>
    public VmapOutcome TryMap(
        uint start, uint pages, uint guardPages, uint holes, long freeRanges, out uint mappings, out PlatformResult refusal)
    {
        Invariant.Assert(pages != 0 && guardPages <= 1, $"{pages} pages are mapped with {guardPages} pages of guard.");
        uint* slots = areas.FrameOf + start;
        bool guardByAdvice = guardPages != 0 && Atomic.LoadAcquire(ref _guardsRefused) == 0;
        mappings = CountRuns(slots, pages) + (guardByAdvice ? 0 : guardPages) + holes;
        refusal = PlatformResult.Success;
        if (!budget.TryCharge(mappings, freeRanges))
        {
            mappings = 0;
            return VmapOutcome.NoMappings;
        }

        for (uint at = 0; at < pages;)
        {
            uint run = RunLength(slots + at, pages - at);
            bool last = at + run == pages;
            nuint bytes = (nuint)(run + (last && guardByAdvice ? guardPages : 0)) << Pfn.FrameShift;
            Atomic.Add(ref _mapCalls, 1);
            refusal = platform.MapFile(zone.File, (nuint)(slots[at] - 1) << Pfn.FrameShift, bytes, AddressOf(start + at), out _);
            if (!refusal.Succeeded)
            {
                budget.NoteRefusal(refusal);
                return VmapOutcome.Refused;
            }

            at += run;
        }

        return guardByAdvice ? InstallGuard(start + pages, ref mappings, out refusal) : VmapOutcome.Success;
    }

    /// <summary>
    /// Takes all access to a range away, at once and on all processors. Where the table of mappings is full, so that the range cannot be cut out, it is
    /// covered with guards instead.
    /// </summary>
    /// <param name="range">The range.</param>
    /// <param name="mappings">How many mappings it counted for.</param>
    /// <returns>Whether nobody can reach the frames through the range any more. Otherwise nothing has changed for the counts.</returns>
    public bool TryRevoke(PageRange range, long mappings)
    {
        Invariant.Assert(range.Pages != 0 && mappings >= 0, $"{mappings} mappings of {range.Pages} pages are taken down.");
        nuint bytes = (nuint)range.Pages << Pfn.FrameShift;
        if (RevokeAt(AddressOf(range.Start), bytes).Succeeded)
        {
            budget.Refund(mappings);
            return true;
        }

        if (!platform.InstallGuard(AddressOf(range.Start), bytes).Succeeded)
        {
            return false;
        }

        Atomic.Add(ref _guardRevokes, 1);
        budget.Hide(mappings);
        return true;
    }

    /// <summary>Cuts a range out. Where no mapping is left for the cut, the reserve of them is given up for it.</summary>
    private PlatformResult RevokeAt(nuint address, nuint bytes)
    {
        Atomic.Add(ref _unmapCalls, 1);
        PlatformResult result = platform.Revoke(address, bytes);
        return !result.Succeeded && budget.NoteRefusal(result) ? platform.Revoke(address, bytes) : result;
    }

    /// <summary>Mappings that the frames in some slots need: one for each run of neighbours.</summary>
    public static uint CountRuns(uint* slots, uint pages)
    {
        uint runs = 0;
        for (uint at = 0; at < pages; runs++)
        {
            at += RunLength(slots + at, pages - at);
        }

        return runs;
    }

    private static uint RunLength(uint* slots, uint pages)
    {
        Invariant.Assert(pages != 0 && slots[0] != 0, $"A run of {pages} pages begins at a page without a frame.");
        uint length = 1;
        while (length < pages && slots[length] == slots[0] + length)
        {
            length++;
        }

        return length;
    }

    /// <summary>Makes the last page of a mapping inaccessible; where the kernel does not know guards, by cutting it off.</summary>
    private VmapOutcome InstallGuard(uint page, ref uint mappings, out PlatformResult refusal)
    {
        refusal = platform.InstallGuard(AddressOf(page), Pfn.FrameBytes);
        if (refusal.Succeeded)
        {
            return VmapOutcome.Success;
        }

        if (refusal.Errno is ErrorNumber.Invalid or ErrorNumber.NotImplemented)
        {
            Atomic.StoreRelease(ref _guardsRefused, 1);
        }

        budget.Charge(1);
        mappings++;
        refusal = RevokeAt(AddressOf(page), Pfn.FrameBytes);
        return refusal.Succeeded ? VmapOutcome.Success : VmapOutcome.Refused;
    }
}
