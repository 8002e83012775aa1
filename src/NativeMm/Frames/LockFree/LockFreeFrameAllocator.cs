// Purpose      hands out blocks of page frames without a lock and without touching the memory that it hands out.
// States       ChildWord   512 frames: count, use, and which 64 KiB granules are untouched (the OS has them)
//              BitmapRow   64 frames, a bit each; eight rows a child
//              TreeWord    4096 frames: which core fills them (advice)
//              ReservationWord   a core: which tree it fills (advice)
// Transitions  allocate, orders 0–8: child Take → rows claim (→ child Touch when a granule was untouched)
//              free, orders 0–8: rows release → child Put
//              free beside isolated blocks: child PutBeside; isolate and put back, orders 0–8: TakeIsolated and PutIsolated instead
//              exact runs: the same as orders 0–8, rows claimed and released by parts
//              sweep of a row: child Sweep → TakeIsolated → row claim → record; back: record → row release → PutIsolated
//              orders 9, 10: child ClaimWhole / ReleaseWhole alone, order 10 on two neighbours, the first one undone if the second fails
//              split of a block of order 9: child Split → all of its rows claimed
//              put back as reported, orders 4–8: child Report → rows release → child Put
// Ownership    field        | who writes                        | who reads | how            | guard
//              child, rows  | whoever allocates or frees there  | anybody   | CAS            | the word itself
//              tree word    | searchers, releasers              | searchers | CAS            | the word itself
//              reservation  | threads on that core, Drain       | same      | exchange, read | the word itself
//              frontier     | whoever takes a fresh tree        | searchers | CAS, upwards   | the word itself
// Ordering     [A1] Take counts out before [A2] the claim sets bits, and [A3] the release clears bits before [A4] Put counts in, so in any
//              child at any moment: bits set ≤ frames used. A child with none used therefore has no bit set and nobody inside it, and
//              [A5] ClaimWhole needs no look at the bitmap.
//              [A2] pairs with [A3]: what the last owner wrote in a frame happens before the next owner gets it. For whole children [A5]
//              pairs with [A4] and [A6] (ReleaseWhole).
//              [A7] reads the child word again after [A2]: a granule that is untouched there was not written since it was reported,
//              because every owner in between would have run [A8] Touch before it ran [A3], and [A9] Report runs while its caller owns
//              the granule's bits, before [A3]. Acquire and release are enough for all of it: where a read follows a CAS of another
//              word, it is what the CAS acquired that counts, never that its store is seen first.
//              [A10] counts blocks in flight before one is isolated; [A11] counts a put-back after the block is free, and only then takes it out
//              of the flight; [A12] an allocation that is about to fail reads put-backs, tries, and reads flight, then put-backs: if nothing
//              flies and nothing was put back, no isolated block was in its way: whoever saw a block taken by [A10]'s caller acquired that count.
//              [A14] a row's unswept bit goes off before the row is read, and a free sets it with [A4], after [A3]: what the reader did not see
//              free sets it again. Whoever leaves frames unswept that he saw, or hid by a claim that he took back, sets it too.
//              [A15] Split makes a whole child one of 512 used frames before [A2] sets their bits: counted first, claimed second, like any frames. With none to
//              take nobody claims a bit meanwhile, and with no bit set nobody frees one; the CAS decides between two who split, or one who splits and one who frees.
//              [A13] an isolated block up to order 8 (SignatureWord), or the record of a swept row, is signed after [A2] and unsigned before [A3]: whoever holds bits of a block
//              that is signed holds what somebody freed under report.
// Reuse        every CAS replaces a word by a function of that word alone; no word holds a pointer. Equal is as good as unchanged.
// Progress     lock-free. A stalled thread delays nobody; it keeps at most the block it was about to get or give.
// Source       LLFree (USENIX ATC'23). Departures: no counter a tree, so a get and a put are two CAS each instead of three; granules; see
//              docs/algorithms/lock-free-frames.md.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The default frame allocator: bitmaps and state words changed by compare-and-swap, two of them for a get and two for a put, on lines that
/// the calling core has for itself. Free frames are never written. Thread-safe; never blocks.
/// Accounting equation: managed = free + allocated + isolated, where a child's used frames are the bits set in its rows.
/// </summary>
public sealed unsafe partial class LockFreeFrameAllocator : IFrameAllocator, IFrameSource
{
    private const int CoreSlots = 256;

    // Read by every operation, written by the constructor and Dispose alone.
    private readonly FrameZone _zone;
    private readonly uint _childCount;
    private readonly uint _treeCount;
    private readonly int _coreMask;
    private readonly ShrinkerList _shrinkers = new();
    private readonly nuint _metadataBytes;

    // 0 once disposed, so that no frame is one of this allocator: what is freed then is refused by the check that finds wrong numbers.
    private uint _frameCount;
    private LockFreeState* _state;
    private CoreReservations* _cores;
    private FrameTree* _trees;
    private ulong* _rows;
    private ulong* _signatures;

    // Who counts, drains, validates or isolates is inside; who allocates and frees must not overlap the end.
    private EndGate _end;

    /// <summary>Makes an allocator over all frames of a zone, which counts as fresh: untouched and reading as zero.</summary>
    /// <param name="zone">The zone. It must outlive the allocator.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping, 2,688 bytes for each 16 MiB.</exception>
    /// <exception cref="InvalidOperationException">The zone belongs to a runtime or a <c>VmapAllocator</c>, which has an allocator over it.</exception>
    /// <exception cref="ObjectDisposedException">The zone is disposed.</exception>
    public LockFreeFrameAllocator(FrameZone zone)
        : this(zone, CoreSlots)
    {
    }

    /// <summary>Makes an allocator whose cores share a given number of reservation words.</summary>
    /// <param name="zone">The zone.</param>
    /// <param name="coreSlots">A power of two; 1 makes a single thread's allocations repeatable wherever it runs.</param>
    internal LockFreeFrameAllocator(FrameZone zone, int coreSlots)
    {
        ArgumentNullException.ThrowIfNull(zone);
        zone.RequireUnowned();
        ArgumentOutOfRangeException.ThrowIfNotEqual(coreSlots & (coreSlots - 1), 0);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(coreSlots);
        _zone = zone;
        _frameCount = zone.FrameCount;
        _childCount = _frameCount / ChildWord.Frames;
        _treeCount = (_childCount + FrameTree.ChildCount - 1) / FrameTree.ChildCount;
        Invariant.Assert(_frameCount % ChildWord.Frames == 0, $"A zone of {_frameCount} frames is no whole number of children.");
        _coreMask = coreSlots - 1;

        nuint coresAt = (nuint)sizeof(LockFreeState);
        nuint treesAt = coresAt + ((nuint)coreSlots * (nuint)sizeof(CoreReservations));
        nuint rowsAt = treesAt + ((nuint)_treeCount * (nuint)sizeof(FrameTree));
        nuint signaturesAt = rowsAt + ((nuint)_childCount * BitmapRow.PerChild * sizeof(ulong));
        _metadataBytes = signaturesAt + ((nuint)_childCount * ChildWord.Granules * sizeof(ulong));
        PlatformResult result = zone.Platform.Reserve(_metadataBytes, zone.Platform.PageBytes, out nuint metadata);
        if (!result.Succeeded)
        {
            throw OutOfFrames.ForBookkeeping(zone, _metadataBytes, result);
        }

        _state = (LockFreeState*)metadata;
        _cores = (CoreReservations*)(metadata + coresAt);
        _trees = (FrameTree*)(metadata + treesAt);
        _rows = (ulong*)(metadata + rowsAt);
        _signatures = (ulong*)(metadata + signaturesAt);

        // Fresh memory is all zero, which is what fresh children look like: nothing to initialise, and nothing committed, but the end.
        for (uint absent = _childCount; absent < _treeCount * FrameTree.ChildCount; absent++)
        {
            Child(absent) = ChildWord.Absent.Bits;
        }
    }

    /// <inheritdoc/>
    public FrameZone Zone => _zone;

    /// <summary>Whom an allocation asks before it fails.</summary>
    internal ShrinkerList Shrinkers => _shrinkers;

    private uint Frontier => Atomic.LoadAcquire(ref _state->Frontier);

    /// <inheritdoc/>
    public void AddShrinker(IShrinker shrinker) => _shrinkers.Add(shrinker);

    /// <inheritdoc/>
    public void RemoveShrinker(IShrinker shrinker) => _shrinkers.Remove(shrinker);

    /// <inheritdoc/>
    /// <remarks>Reservations are advice and hold no frames, so that none move; the cores let go of their trees.</remarks>
    public ulong Drain()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        for (int core = 0; core <= _coreMask; core++)
        {
            for (int kind = 0; kind < CoreReservations.Kinds; kind++)
            {
                Reserve(ref _cores[core].Words[kind], default);
            }
        }

        return 0;
    }

    /// <summary>Gives the bookkeeping back. The zone stays. Of a runtime both go with that: this does nothing to its allocator.</summary>
    public void Dispose()
    {
        if (!_zone.IsKept && _end.Close())
        {
            _zone.Platform.ReleaseOrKeep((nuint)_state, _metadataBytes);
            _frameCount = 0;
            _state = null;
            _cores = null;
            _trees = null;
            _rows = null;
            _signatures = null;
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_state == null, this);

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotABlock(Pfn frame, Order order)
    {
        ThrowIfDisposed();
        FrameFault.ThrowNotABlock(_zone, frame, order);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong Child(uint child) => ref _trees[child / FrameTree.ChildCount].Children[child % FrameTree.ChildCount];

    private ChildWord ReadChild(uint child) => new(Atomic.LoadAcquire(ref Child(child)));

    private ref ulong Row(uint frame) => ref _rows[frame / BitmapRow.Frames];

    /// <summary>Makes frames resident that the caller touched first, with the rest of their granules: those count as resident from that moment on.</summary>
    private void Populate(uint frame, uint frames)
    {
        Invariant.Assert(frame + frames <= _zone.OpenedFrames, $"Memory of the frames from {frame} to {frame + frames} is asked for, of {_zone.OpenedFrames} that are open.");
        uint first = frame & ~(ChildWord.GranuleFrames - 1u);
        uint end = (frame + frames + ChildWord.GranuleFrames - 1) & ~(ChildWord.GranuleFrames - 1u);
        _zone.Populate(new Pfn(first), end - first);
    }

    private void Clear(uint frame, uint frames)
    {
        Invariant.Assert(frame + frames <= _zone.OpenedFrames, $"The frames from {frame} to {frame + frames} are cleared, of {_zone.OpenedFrames} that are open.");
        NativeMemory.Clear(_zone.AddressOf(new Pfn(frame)), (nuint)Pfn.FrameBytes * frames);
    }
}
