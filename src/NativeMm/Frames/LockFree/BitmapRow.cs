// Purpose      64 frames, a bit each: 1 is taken. Eight rows make the bitmap of a child.
// Transitions  0 → 1 by whoever has counted the frames out of the child word; 1 → 0 by their owner, who counts them in afterwards.
// Ordering     see LockFreeFrameAllocator.cs.
// Reuse        a row is a set; a CAS on an equal set is right whatever happened in between.
// Progress     lock-free.

using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>One row of a child's bitmap. Pure transitions; <see cref="TryClaim"/> and <see cref="TryRelease"/> apply them.</summary>
/// <param name="taken">A bit for each frame that is taken.</param>
internal readonly struct BitmapRow(ulong taken)
{
    /// <summary>Frames of a row.</summary>
    public const int Frames = 64;

    /// <summary>The largest order that fits a row.</summary>
    public const int OrderMax = 6;

    /// <summary>Granules of a row.</summary>
    public const int Granules = Frames / ChildWord.GranuleFrames;

    /// <summary>A bit for each granule of a row.</summary>
    public const uint AllGranules = (1 << Granules) - 1;

    /// <summary>Rows of a child.</summary>
    public const int PerChild = (int)ChildWord.Frames / Frames;

    private readonly ulong _taken = taken;

    // Where blocks of each order may begin in a row.
    private static ReadOnlySpan<ulong> Starts =>
    [
        ulong.MaxValue, 0x5555_5555_5555_5555, 0x1111_1111_1111_1111, 0x0101_0101_0101_0101, 0x0001_0001_0001_0001, 0x0000_0001_0000_0001, 1,
    ];

    /// <summary>A bit for each frame that is taken.</summary>
    public ulong Taken => _taken;

    /// <summary>The bits of the block of an order that begins at bit 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong BlockMask(int order)
    {
        Invariant.Assert((uint)order <= OrderMax, $"A block of order {order} lies in a row.");
        return ulong.MaxValue >> (Frames - (1 << order));
    }

    /// <summary>The first bits of all blocks of an order that lie wholly in a set of frames.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong BlocksIn(ulong frames, int order) => order == 0 ? frames : BlocksOfOrder(frames, order);

    /// <summary>The frames of those of the row's four granules that are in the set; the lowest four bits count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FramesOf(uint granules)
    {
        ulong g = granules & AllGranules;
        return ((g | (g << 15) | (g << 30) | (g << 45)) & 0x0001_0001_0001_0001) * 0xFFFF;
    }

    /// <summary>The row's granules (four bits) that frames of the set lie in.</summary>
    public static uint GranulesOf(ulong frames)
    {
        uint granules = 0;
        for (int g = 0; g < Granules; g++)
        {
            granules |= (frames >> (g * ChildWord.GranuleFrames) & 0xFFFF) != 0 ? 1u << g : 0;
        }

        return granules;
    }

    /// <summary>Takes frames that are all free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryClaim(ulong frames, out BitmapRow next)
    {
        next = new BitmapRow(_taken | frames);
        return (_taken & frames) == 0;
    }

    /// <summary>Frees frames that are all taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRelease(ulong frames, out BitmapRow next)
    {
        next = new BitmapRow(_taken & ~frames);
        return (_taken & frames) == frames;
    }

    /// <summary>Applies a claim or a release to a row in memory: the one CAS loop of this word.</summary>
    /// <param name="cell">The row.</param>
    /// <param name="frames">The bits.</param>
    /// <param name="claim">Whether to claim or to release them; a constant at every call.</param>
    /// <returns>Whether the transition was possible.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryChange(ref ulong cell, ulong frames, bool claim)
    {
        Invariant.Assert(frames != 0, "No frame of a row is claimed or released.");
        var row = new BitmapRow(Atomic.LoadAcquire(ref cell));
        while (claim ? row.TryClaim(frames, out BitmapRow next) : row.TryRelease(frames, out next))
        {
            ulong seen = Atomic.CompareExchangeValue(ref cell, row._taken, next._taken);
            if (seen == row._taken)
            {
                return true;
            }

            row = new BitmapRow(seen);
        }

        return false;
    }

    private static ulong BlocksOfOrder(ulong frames, int order)
    {
        Invariant.Assert((uint)order <= OrderMax, $"Blocks of order {order} are looked for in a row.");
        for (int step = 1; step < 1 << order; step <<= 1)
        {
            frames &= frames >> step;
        }

        return frames & Starts[order];
    }
}
