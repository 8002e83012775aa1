using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>Ranges of addresses as units of work: frames of 4 KiB, bitten off and cut at the grain of the calls.</summary>
internal static class PageUnits
{
    /// <summary>Where a bite ends: one call of the system.</summary>
    /// <param name="discard">Who calls it.</param>
    /// <param name="address">Begin of the range.</param>
    /// <param name="unit">Begin of the bite.</param>
    /// <param name="end">End of what is left.</param>
    public static ulong BiteEnd(PageDiscard discard, nuint address, ulong unit, ulong end) =>
        (discard.StepEnd(address + (nuint)(unit << Pfn.FrameShift), address + (nuint)(end << Pfn.FrameShift)) - address) >> Pfn.FrameShift;

    /// <summary>Where to cut what is left in two: at a grain, and not below one for each.</summary>
    /// <param name="address">Begin of the range.</param>
    /// <param name="unit">Begin of what is left.</param>
    /// <param name="end">End of what is left.</param>
    public static ulong CutOf(nuint address, ulong unit, ulong end)
    {
        nuint middle = address + (nuint)((unit + ((end - unit) / 2)) << Pfn.FrameShift);
        nuint cut = (middle + PageDiscard.Grain - 1) & ~(PageDiscard.Grain - 1);
        return (cut - address) >> Pfn.FrameShift;
    }
}
