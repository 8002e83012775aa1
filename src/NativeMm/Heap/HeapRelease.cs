using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Heap;

/// <summary>
/// The memory of a heap that has ended, as work in steps: a place for each large block, whose units are frames, and one for the slabs, whose units are granules. The
/// addresses of the large blocks, which have no pages by then, and the rest go at the end.
/// </summary>
/// <param name="heap">The heap.</param>
/// <param name="large">Its large blocks.</param>
/// <param name="pages">Who gives pages back.</param>
internal sealed class HeapRelease(NativeHeap heap, LargeBlocks large, PageRelease pages) : PlacesJob(pages.Workers)
{
    // Granules of a bite, 64 MiB of slabs, and of the smallest piece that is worth another thread.
    private const ulong GranulesOfBite = 1024;

    private uint _slabPlace;
    private uint _granules;
    private long _slabsLeft;
    private long _frameBytesLeft;
    private long _mappedBytesLeft;

    /// <summary>Whether it was begun.</summary>
    public bool IsBegun => Phase != JobPhase.Idle;

    /// <summary>Bytes that are not given back yet: in frames, and in large blocks.</summary>
    public (ulong Frames, ulong Mapped) BytesLeft =>
        ((ulong)long.Max(0, Atomic.LoadAcquire(in _frameBytesLeft)), (ulong)long.Max(0, Atomic.LoadAcquire(in _mappedBytesLeft)));

    /// <summary>Whether the heap has enough for steps and threads.</summary>
    /// <param name="slabBytes">Bytes in its slabs.</param>
    public bool IsWorth(ulong slabBytes) => pages.IsWorth(large.MappedBytes + slabBytes);

    /// <summary>Gets ready. Nobody uses the heap any more.</summary>
    /// <param name="slabs">Its slabs.</param>
    /// <param name="slabBytes">Bytes in them.</param>
    /// <param name="granules">Granules among which they are.</param>
    public void Begin(long slabs, ulong slabBytes, uint granules)
    {
        Invariant.Assert(slabs >= 0 && (slabs == 0) == (slabBytes == 0), $"{slabs} slabs of a heap that ends have {slabBytes} bytes.");
        ulong mappedBytes = large.MappedBytes;
        _slabPlace = large.Places;
        _granules = granules;
        _slabsLeft = slabs;
        Atomic.StoreRelease(ref _frameBytesLeft, (long)slabBytes);
        Atomic.StoreRelease(ref _mappedBytesLeft, (long)mappedBytes);
        Workers.Ledger.AddReleasingFrames((long)slabBytes);
        Workers.Ledger.AddReleasingMappings((long)mappedBytes);
        Begin(Row(_slabPlace + 1), (long)(slabBytes + mappedBytes));
    }

    /// <inheritdoc/>
    protected override ulong UnitsOf(uint place)
    {
        Invariant.Assert(place <= _slabPlace, $"Place {place} of a heap that ends is asked for, of {_slabPlace}.");
        if (place < _slabPlace)
        {
            return large.RangeAt(place).Bytes >> Pfn.FrameShift;
        }

        return Atomic.LoadAcquire(in _slabsLeft) > 0 ? _granules : 0;
    }

    /// <inheritdoc/>
    protected override ulong BiteEnd(uint place, ulong unit, ulong end) =>
        place == _slabPlace ? unit + GranulesOfBite : PageUnits.BiteEnd(pages.Calls, large.RangeAt(place).Address, unit, end);

    /// <inheritdoc/>
    protected override ulong CutOf(uint place, ulong unit, ulong end) =>
        place == _slabPlace ? (unit + ((end - unit) / 2) + GranulesOfBite - 1) & ~(GranulesOfBite - 1) : PageUnits.CutOf(large.RangeAt(place).Address, unit, end);

    /// <inheritdoc/>
    protected override StepDone Release(uint place, ulong unit, ulong end)
    {
        if (place == _slabPlace)
        {
            long frames = heap.ReleaseSlabs((uint)unit, (uint)end, ref _slabsLeft);
            Note(ref _frameBytesLeft, frames << Pfn.FrameShift);
            Invariant.Assert(_frameBytesLeft >= 0 && _slabsLeft >= 0, $"{_slabsLeft} slabs are left of a heap that ends, with {_frameBytesLeft} bytes.");
            Workers.Ledger.AddReleasingFrames(-(frames << Pfn.FrameShift));
            return new StepDone(frames, frames << Pfn.FrameShift);
        }

        AddressRange range = large.RangeAt(place);
        nuint from = range.Address + (nuint)(unit << Pfn.FrameShift);
        nuint to = range.Address + (nuint)(end << Pfn.FrameShift);
        pages.Calls.DiscardArea(from, to);
        Note(ref _mappedBytesLeft, (long)(to - from));
        Invariant.Assert(
            from < to && to - range.Address <= range.Bytes,
            $"0x{from:x} to 0x{to:x} is given back of a block of {range.Bytes} bytes at 0x{range.Address:x}.");
        Workers.Ledger.AddReleasingMappings(-(long)(to - from));
        return new StepDone((long)(end - unit), (long)(to - from));
    }

    /// <inheritdoc/>
    protected override void Finish(bool isDone)
    {
        if (!isDone)
        {
            return;
        }

        // What a step that failed did not take off: nothing is left that anybody would give back.
        (long frameBytes, long mappedBytes) = (Atomic.LoadAcquire(in _frameBytesLeft), Atomic.LoadAcquire(in _mappedBytesLeft));
        Note(ref _frameBytesLeft, frameBytes);
        Note(ref _mappedBytesLeft, mappedBytes);
        Workers.Ledger.AddReleasingFrames(-frameBytes);
        Workers.Ledger.AddReleasingMappings(-mappedBytes);
        Invariant.Assert(Atomic.LoadAcquire(in _slabsLeft) == 0 || frameBytes != 0, $"{_slabsLeft} slabs are left of a heap whose slabs have gone.");
        large.NotePagesGone();
        heap.ReleaseRest();
    }

    private static void Note(ref long left, long bytes) => Atomic.Add(ref left, -bytes);
}
