// Purpose      Linux's buddy allocator over a zone: lists of free blocks by order and kind under one lock, and small lists for each core.
// States       a block is free, allocated, per core or isolated (BlockState in the descriptor of its first frame); frames behind the frontier
//              are fresh, and on no list until they are needed.
// Transitions  see BuddyWord. free ↔ anything under the zone's lock; allocated → per core by CAS of whoever frees.
// Ownership    field              | who writes                         | guard
//              free areas, kinds  | whoever allocates or frees          | _lock
//              per-core lists     | threads on the core, whoever drains | the core's lock
//              descriptor links   | whoever has the list                | the list's lock
//              descriptor's held  | whoever lists or isolates the block | _lock
// Ordering     the locks order everything; content of frames travels with the block through the lock of the list that it was on.
// Progress     blocking: a stalled holder of a lock delays everybody who needs it. This is the design that LockFreeFrameAllocator is
//              measured against.
// Source       mm/page_alloc.c. Departures: fresh memory is brought in block by block; a merge of two reported halves stays reported and a
//              split hands the mark on, because blocks are isolated at one order and would be offered again and again otherwise.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// The buddy allocator behind <see cref="BuddyFrameAllocator"/>, with what its zone lock records about itself as a parameter.
/// Accounting equation: managed = fresh + on lists + per core + allocated + isolated; fresh and on lists are free.
/// </summary>
/// <typeparam name="TStatistics">What the zone lock records.</typeparam>
internal sealed unsafe partial class BuddyAllocator<TStatistics> : IFrameAllocator, IFrameSource
    where TStatistics : unmanaged, ILockStatistics
{
    private const int CoreSlots = 256;
    private const int BlockOrder = 9;

    private readonly FrameZone _zone;
    private readonly PageFrame* _frames;
    private readonly Watermarks _watermarks;
    private readonly bool _perCorePages;
    private readonly int _coreMask;
    private readonly uint _highMin;
    private readonly uint _highMax;
    private readonly ShrinkerList _shrinkers = new();
    private readonly nuint _metadataBytes;

    // 0 once disposed, so that no frame is one of this allocator: what is freed then is refused by the check that finds wrong numbers.
    private uint _frameCount;
    private SpinLock<TStatistics> _lock;
    private BuddyLists* _lists;
    private PerCorePages* _cores;
    private byte* _kinds;

    // Who counts, drains, validates or isolates is inside; who allocates and frees must not overlap the end.
    private EndGate _end;

    /// <summary>Makes an allocator over all frames of a fresh zone.</summary>
    /// <param name="zone">The zone.</param>
    /// <param name="perCorePages">Whether cores keep small blocks for themselves.</param>
    /// <param name="coreSlots">A power of two; 1 makes a single thread's allocations repeatable wherever it runs.</param>
    public BuddyAllocator(FrameZone zone, bool perCorePages, int coreSlots = CoreSlots)
    {
        ArgumentNullException.ThrowIfNull(zone);
        zone.RequireUnowned();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(coreSlots);
        ArgumentOutOfRangeException.ThrowIfNotEqual(coreSlots & (coreSlots - 1), 0);
        _zone = zone;
        _frames = zone.Descriptors;
        _frameCount = zone.FrameCount;
        _watermarks = Watermarks.For(_frameCount);
        _perCorePages = perCorePages;
        _coreMask = coreSlots - 1;
        uint cores = (uint)Environment.ProcessorCount;
        _highMin = Math.Max(4 * PerCorePages.Batch, (uint)_watermarks.Low / cores);
        _highMax = Math.Max(_highMin, _frameCount / 8 / cores);
        Invariant.Assert(_watermarks.Min <= _watermarks.Low && _watermarks.Low <= _watermarks.High, $"The watermarks {_watermarks} are out of order.");
        Invariant.Assert(_frameCount % (1u << BlockOrder) == 0, $"A zone of {_frameCount} frames is no whole number of page blocks.");

        nuint coresAt = ((nuint)sizeof(BuddyLists) + CacheLine.Isolation - 1) & ~((nuint)CacheLine.Isolation - 1);
        nuint kindsAt = coresAt + ((nuint)coreSlots * (nuint)sizeof(PerCorePages));
        _metadataBytes = kindsAt + (_frameCount >> BlockOrder);
        PlatformResult result = zone.Platform.Reserve(_metadataBytes, zone.Platform.PageBytes, out nuint metadata);
        if (!result.Succeeded)
        {
            throw OutOfFrames.ForBookkeeping(zone, _metadataBytes, result);
        }

        _lists = (BuddyLists*)metadata;
        _cores = (PerCorePages*)(metadata + coresAt);
        _kinds = (byte*)(metadata + kindsAt);
    }

    /// <inheritdoc/>
    public FrameZone Zone => _zone;

    /// <summary>What the zone's lock recorded.</summary>
    public ref TStatistics LockStatistics => ref _lock.Statistics;

    /// <summary>Whom an allocation asks before it fails.</summary>
    public ShrinkerList Shrinkers => _shrinkers;

    private uint FreshFrames => _frameCount - _lists->Frontier;

    /// <inheritdoc/>
    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        ThrowIfDisposed();
        BlockKind kind = KindFor(flags);
        if (!TryTake(order.Value, kind, out frame, out FrameContent content)
            && !TryTakeDraining(order.Value, kind, out frame, out content))
        {
            if ((flags & FrameFlags.NoReclaim) != 0 || !TryTakeShrinking(order.Value, kind, out frame, out content))
            {
                knownZero = false;
                return false;
            }
        }

        knownZero = content == FrameContent.ReportedZero;
        if (knownZero && (flags & FrameFlags.Populate) != 0)
        {
            _zone.Populate(frame, order.Frames);
        }
        else if ((flags & FrameFlags.Zeroed) != 0 && !knownZero)
        {
            NativeMemory.Clear(_zone.AddressOf(frame), order.Bytes);
            knownZero = true;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Free(Pfn frame, Order order)
    {
        Claim(frame, order);
        if (_perCorePages && order.Value <= PerCorePages.OrderMax)
        {
            FreeToCore(frame, order.Value);
            return;
        }

        _lock.Enter();
        FreeUsed(frame, order.Value);
        _lock.Exit();
    }

    /// <inheritdoc/>
    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        ThrowIfDisposed();
        BlockKind kind = KindFor(flags);
        int count = TakeMany(order, kind, flags, frames);
        try
        {
            while (count < frames.Length && TryAllocate(order, flags, out Pfn frame, out _))
            {
                frames[count++] = frame;
                count += TakeMany(order, kind, flags, frames[count..]);
            }
        }
        catch
        {
            // A shrinker of the program. Nobody is told of what there is already.
            Invariant.Assert(count < frames.Length, $"All {count} blocks that were asked for are there, and a shrinker was asked.");
            FreeBulk(frames[..count], order);
            throw;
        }

        return count;
    }

    /// <inheritdoc/>
    /// <remarks>When a block is not allocated, those before it in the span are free and those after it are not.</remarks>
    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order)
    {
        ThrowIfDisposed();
        int good = 0;
        while (good < frames.Length && IsOpen(frames[good], order) && BuddyWord.TryFree(ref _frames[frames[good].Value].Block, order.Value))
        {
            good++;
        }

        _lock.Enter();
        foreach (Pfn frame in frames[..good])
        {
            FreeUsed(frame, order.Value);
        }

        _lock.Exit();
        if (good < frames.Length)
        {
            ThrowNotAllocated(frames[good], order);
        }
    }

    /// <inheritdoc/>
    public void AddShrinker(IShrinker shrinker) => _shrinkers.Add(shrinker);

    /// <inheritdoc/>
    public void RemoveShrinker(IShrinker shrinker) => _shrinkers.Remove(shrinker);

    /// <summary>Gives the bookkeeping back. The zone stays. Of a runtime both go with that: this does nothing to its allocator.</summary>
    public void Dispose()
    {
        if (!_zone.IsKept && _end.Close())
        {
            _zone.Platform.ReleaseOrKeep((nuint)_lists, _metadataBytes);
            _frameCount = 0;
            _lists = null;
            _cores = null;
            _kinds = null;
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_lists == null, typeof(BuddyFrameAllocator));

    private EndGate.Visit Visit()
    {
        ObjectDisposedException.ThrowIf(!_end.TryEnter(), typeof(BuddyFrameAllocator));
        return new EndGate.Visit(ref _end);
    }

    private static BlockKind KindFor(FrameFlags flags) =>
        (flags & FrameFlags.Movable) != 0 ? BlockKind.Movable
        : (flags & FrameFlags.Reclaimable) != 0 ? BlockKind.Reclaimable
        : BlockKind.Unmovable;

    private bool IsBlock(Pfn frame, Order order) =>
        frame.Value < _frameCount && (frame.Value & (order.Frames - 1)) == 0 && _frameCount - frame.Value >= order.Frames;

    /// <summary>Whether it is a block that may have been handed out, so that its descriptor can be touched.</summary>
    private bool IsOpen(Pfn frame, Order order) => IsBlock(frame, order) && frame.Value < _zone.OpenedFrames;

    private BuddyWord WordOf(Pfn frame) => new(Atomic.LoadAcquire(ref _frames[frame.Value].Block));

    private void SetWord(Pfn frame, BuddyWord word) => Atomic.StoreRelease(ref _frames[frame.Value].Block, word.Bits);

    /// <summary>Takes a block away from its holder, or says what is wrong. No lock needed.</summary>
    private void Claim(Pfn frame, Order order)
    {
        if (!IsOpen(frame, order) || !BuddyWord.TryFree(ref _frames[frame.Value].Block, order.Value))
        {
            ThrowNotAllocated(frame, order);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotAllocated(Pfn frame, Order order)
    {
        ThrowIfDisposed();
        if (!IsBlock(frame, order))
        {
            FrameFault.ThrowNotABlock(_zone, frame, order);
        }

        _lock.Enter();
        BlockState state = frame.Value < _lists->Frontier ? WordOf(HeadOf(frame)).State : BlockState.Free;
        _lock.Exit();
        if (state is BlockState.Free or BlockState.PerCore)
        {
            FrameFault.ThrowDoubleFree(_zone, frame, order);
        }

        if (state == BlockState.Isolated)
        {
            FrameFault.ThrowUnderReport(_zone, frame, order);
        }

        FrameFault.ThrowWrongOrder(_zone, frame, order);
    }

    private bool TryTake(int order, BlockKind kind, out Pfn frame, out FrameContent content)
    {
        if (_perCorePages && order <= PerCorePages.OrderMax && TryTakeFromCore(order, kind, out frame, out content))
        {
            return true;
        }

        bool found;
        bool spoil = false;
        do
        {
            _lock.Enter();
            found = TryTakeBlock(order, kind, spoil, out frame, out content);
            if (found)
            {
                Invariant.Assert(WordOf(frame).State == BlockState.None && IsOpen(frame, new Order(order)), $"Block {frame} of order {order} is handed out and is something else.");
                SetWord(frame, BuddyWord.For(BlockState.Allocated, order, kind));
            }

            _lock.Exit();
        }
        while (!found && !spoil && (TryOpenFresh(order) || (spoil = true)));

        return found;
    }

    /// <summary>
    /// Takes the cores' blocks away from them and tries again. Another core may have them on its list by then, so more than once: nothing is missing
    /// only when there was nothing to drain.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeDraining(int order, BlockKind kind, out Pfn frame, out FrameContent content)
    {
        for (int attempt = 0; attempt < ShrinkAttempts.Max && DrainCores(onlyIdle: false) != 0; attempt++)
        {
            if (TryTake(order, kind, out frame, out content))
            {
                return true;
            }
        }

        frame = Pfn.None;
        content = FrameContent.Unknown;
        return false;
    }

    /// <summary>The allocation is about to fail: asks the shrinkers and tries again.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeShrinking(int order, BlockKind kind, out Pfn frame, out FrameContent content)
    {
        var attempts = new ShrinkAttempts(_shrinkers, 1u << order);
        while (attempts.Next(ReadIsolation()))
        {
            if (TryTake(order, kind, out frame, out content) || TryTakeDraining(order, kind, out frame, out content))
            {
                return true;
            }
        }

        frame = Pfn.None;
        content = FrameContent.Unknown;
        return false;
    }

    private int TakeMany(Order order, BlockKind kind, FrameFlags flags, Span<Pfn> frames)
    {
        int count = 0;
        bool wantsContent = (flags & (FrameFlags.Zeroed | FrameFlags.Populate)) != 0;
        if (frames.IsEmpty)
        {
            return 0;
        }

        _lock.Enter();
        while (count < frames.Length && TryTakeBlock(order.Value, kind, spoil: false, out Pfn frame, out FrameContent content))
        {
            Invariant.Assert(WordOf(frame).State == BlockState.None, $"Block {frame} is handed out and is something else.");

            // The mark rides along in the word until the frames are cleared or populated, which is no work for inside the lock.
            frames[count++] = frame;
            SetWord(frame, BuddyWord.For(BlockState.Allocated, order.Value, kind, wantsContent ? content : FrameContent.Unknown));
        }

        _lock.Exit();
        if (wantsContent)
        {
            Prepare(frames[..count], order, flags);
        }

        return count;
    }

    /// <summary>Clears blocks that were taken, or has those populated that are fresh, neighbours by one call.</summary>
    private void Prepare(ReadOnlySpan<Pfn> blocks, Order order, FrameFlags flags)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            Invariant.Assert(WordOf(blocks[i]).IsAllocated(order.Value), $"Block {blocks[i]} is prepared and not allocated.");
            bool isFresh = WordOf(blocks[i]).Content == FrameContent.ReportedZero;
            if (!isFresh && (flags & FrameFlags.Zeroed) != 0)
            {
                NativeMemory.Clear(_zone.AddressOf(blocks[i]), order.Bytes);
            }
            else if (isFresh && (flags & FrameFlags.Populate) != 0)
            {
                Pfn first = blocks[i];
                uint length = order.Frames;
                while (i + 1 < blocks.Length && blocks[i + 1].Value == first.Value + length && WordOf(blocks[i + 1]).Content == FrameContent.ReportedZero)
                {
                    length += order.Frames;
                    i++;
                }

                _zone.Populate(first, length);
            }
        }
    }
}
