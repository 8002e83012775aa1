// Purpose      what the buddy allocator knows of the block that begins at a frame, in one word of the frame's descriptor.
// States       bit  0..7   order      bit 8..15  BlockState      bit 16..23  BlockKind      bit 24  reported      bit 25  zero
// Transitions  allocated → per core: CAS by whoever frees, outside the zone's lock, so that of two who free the same block one wins.
//              allocated, order 9 → allocated, order 0: CAS by whoever splits, for the same reason; the frames behind it by plain writes.
//              All others by plain writes of whoever has the block: the zone's lock for free ones, the core's lock for those on its list.
// Ordering     a neighbour under the zone's lock reads the word to see whether it is free; free is entered and left under that lock only, so a
//              stale "allocated" or "per core" reads as "not free" either way.
// Progress     lock-free for the CAS, otherwise guarded by the lock named.

using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>State word of a block in its first frame's descriptor.</summary>
/// <param name="bits">The word.</param>
internal readonly struct BuddyWord(uint bits)
{
    private const uint ReportedBit = 1u << 24;
    private const uint ZeroBit = 1u << 25;

    private readonly uint _bits = bits;

    /// <summary>The word as it lies in memory.</summary>
    public uint Bits => _bits;

    /// <summary>Order of the block.</summary>
    public int Order => (byte)_bits;

    /// <summary>Where the block is.</summary>
    public BlockState State => (BlockState)(byte)(_bits >> 8);

    /// <summary>The list that a free block is on, or the kind that an allocated one was asked for with.</summary>
    public BlockKind Kind => (BlockKind)(byte)(_bits >> 16);

    /// <summary>What is known of the pages of a free block.</summary>
    public FrameContent Content =>
        (_bits & ReportedBit) == 0 ? FrameContent.Unknown : (_bits & ZeroBit) == 0 ? FrameContent.Reported : FrameContent.ReportedZero;

    /// <summary>Makes a word.</summary>
    public static BuddyWord For(BlockState state, int order, BlockKind kind, FrameContent content = FrameContent.Unknown) =>
        new((uint)order | ((uint)state << 8) | ((uint)kind << 16)
            | (content != FrameContent.Unknown ? ReportedBit : 0) | (content == FrameContent.ReportedZero ? ZeroBit : 0));

    /// <summary>Whether the block is handed out with that order, so that it may be freed.</summary>
    public bool IsAllocated(int order) => State == BlockState.Allocated && Order == order;

    /// <summary>Whether the block is a free one of that order, so that its buddy may merge with it.</summary>
    public bool IsFree(int order) => State == BlockState.Free && Order == order;

    /// <summary>Takes an allocated block away from its holder.</summary>
    public bool TryFree(int order, out BuddyWord next)
    {
        next = For(BlockState.PerCore, order, Kind);
        return IsAllocated(order);
    }

    /// <summary>Makes an allocated block a frame, with others like it behind.</summary>
    public bool TrySplit(int order, out BuddyWord next)
    {
        next = For(BlockState.Allocated, 0, Kind);
        return IsAllocated(order);
    }

    /// <summary>Applies <see cref="TryFree(int, out BuddyWord)"/> to a word in memory.</summary>
    public static bool TryFree(ref uint cell, int order) => TryChange(ref cell, order, splits: false, out _);

    /// <summary>Applies <see cref="TrySplit(int, out BuddyWord)"/> to a word in memory.</summary>
    /// <param name="cell">The word.</param>
    /// <param name="order">The block's order.</param>
    /// <param name="frame">What the word of each frame of it is to be.</param>
    public static bool TrySplit(ref uint cell, int order, out BuddyWord frame) => TryChange(ref cell, order, splits: true, out frame);

    /// <summary>The one CAS loop of this word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryChange(ref uint cell, int order, bool splits, out BuddyWord next)
    {
        var word = new BuddyWord(Atomic.LoadAcquire(ref cell));
        while (splits ? word.TrySplit(order, out next) : word.TryFree(order, out next))
        {
            uint seen = Atomic.CompareExchangeValue(ref cell, word._bits, next._bits);
            if (seen == word._bits)
            {
                return true;
            }

            word = new BuddyWord(seen);
        }

        return false;
    }

    /// <summary>What is known of two blocks together.</summary>
    public static FrameContent Weaker(FrameContent left, FrameContent right) => left < right ? left : right;
}
