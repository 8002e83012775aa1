using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>Gives the pages of one range back, on several threads. Made once and begun as often as its owner likes, one at a time.</summary>
/// <param name="workers">Who helps.</param>
/// <param name="discard">Who calls the system.</param>
internal sealed class RangeRelease(TeardownWorkers workers, PageDiscard discard) : PlacesJob(workers)
{
    // In fewer bites it would be over before it is known whether another thread brings anything.
    private const nuint BitesMin = 64;

    // Towards the end of a piece bites are a part of what is left, but at least so much that a call is worth its price.
    private const ulong BitesOfRest = 4;
    private const ulong BiteUnitsMin = 4 * (PageDiscard.Grain >> Pfn.FrameShift);

    // More of them are looked for again by each bite.
    private readonly nuint[] _borders = new nuint[32];
    private int _borderCount;
    private nuint _address;
    private nuint _bytes;
    private ulong _unitsOfBiteMax;

    /// <summary>Gets ready, for <see cref="TeardownWorkers.Run"/>.</summary>
    /// <param name="address">First byte, at a page.</param>
    /// <param name="bytes">Length in whole pages.</param>
    public void Begin(nuint address, nuint bytes)
    {
        Invariant.Assert(address % Pfn.FrameBytes == 0 && bytes % Pfn.FrameBytes == 0 && bytes != 0, $"{bytes} bytes at 0x{address:x} are no pages.");
        (_address, _bytes) = (address, bytes);
        _unitsOfBiteMax = ulong.Max(BiteUnitsMin, (bytes / BitesMin) >> Pfn.FrameShift);
        _borderCount = discard.FindBorders(address, bytes, _borders);
        Begin(Row(places: 1), (long)bytes);
    }

    /// <inheritdoc/>
    protected override ulong UnitsOf(uint place) => place == 0 ? _bytes >> Pfn.FrameShift : 0;

    /// <inheritdoc/>
    protected override ulong BiteEnd(uint place, ulong unit, ulong end)
    {
        nuint from = _address + (nuint)(unit << Pfn.FrameShift);
        foreach (nuint border in _borders.AsSpan(0, _borderCount))
        {
            if (border > from)
            {
                end = ulong.Min(end, (border - _address) >> Pfn.FrameShift);
                break;
            }
        }

        // Smaller and smaller towards the end of the piece, so that no thread is the last one by a whole bite.
        ulong units = ulong.Clamp((end - unit) / BitesOfRest, BiteUnitsMin, _unitsOfBiteMax);
        nuint limit = (from + (nuint)(units << Pfn.FrameShift)) & ~(PageDiscard.Grain - 1);
        return PageUnits.BiteEnd(discard, _address, unit, ulong.Min(end, (limit - _address) >> Pfn.FrameShift));
    }

    /// <inheritdoc/>
    protected override ulong CutOf(uint place, ulong unit, ulong end) => PageUnits.CutOf(_address, unit, end);

    /// <inheritdoc/>
    protected override StepDone Release(uint place, ulong unit, ulong end)
    {
        Invariant.Assert(place == 0 && unit < end && end <= UnitsOf(place), $"The units {unit} to {end} of a range of {UnitsOf(0)} are given back.");
        nuint from = _address + (nuint)(unit << Pfn.FrameShift);
        nuint to = _address + (nuint)(end << Pfn.FrameShift);
        if (_borderCount < _borders.Length)
        {
            discard.DiscardArea(from, to);
        }
        else
        {
            discard.Discard(from, to - from);
        }

        return new StepDone((long)(end - unit), (long)((end - unit) << Pfn.FrameShift));
    }
}
