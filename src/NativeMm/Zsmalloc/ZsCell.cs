// Purpose      the word that a handle names: where its object is, in one load.
// States       live  bit  0..7   object in its zspage
//                    bit  8..15  class, constant for the life of the handle
//                    bit 16..41  zspage
//                    bit 42..63  generation, odd
//              free  bit  0..29  next free cell, 0 at the end
//                    bit 42..63  generation, even
// Transitions  free → live: Alloc. live → live elsewhere: a compactor. live → free: Free. All under the lock of the object's shard, by release.
// Reuse        each use raises the generation by two; a cell whose generations are used up is retired, so a stale handle never fits.

using NativeMm.Diagnostics;

namespace NativeMm.Zsmalloc;

/// <summary>State word of a handle's cell: pure transitions.</summary>
/// <param name="bits">The word.</param>
internal readonly struct ZsCell(ulong bits)
{
    /// <summary>Zspages that a cell can name, number 0 among them, which there is none of.</summary>
    public const uint ZspageCount = 1u << 26;

    /// <summary>Cells that a handle can name, number 0 among them, which is never used.</summary>
    public const uint CellCount = 1u << 30;

    /// <summary>The last generation of a live cell.</summary>
    public const uint GenerationMax = (1u << 22) - 1;

    private const int ClassShift = 8;
    private const int ZspageShift = 16;
    private const int GenerationShift = 42;
    private const ulong GenerationMask = ~((1UL << GenerationShift) - 1);

    /// <summary>The word as it lies in memory.</summary>
    public ulong Bits { get; } = bits;

    /// <summary>Odd for a live cell, even for a free one.</summary>
    public uint Generation => (uint)(Bits >> GenerationShift);

    /// <summary>Whether the cell has an object.</summary>
    public bool IsLive => (Generation & 1) != 0;

    /// <summary>Number of the object in its zspage. Live cells only.</summary>
    public uint Object => (byte)Bits;

    /// <summary>The class. Live cells only.</summary>
    public uint Class => (byte)(Bits >> ClassShift);

    /// <summary>The zspage. Live cells only.</summary>
    public uint Zspage => (uint)(Bits >> ZspageShift) & (ZspageCount - 1);

    /// <summary>The next free cell. Free cells only.</summary>
    public uint Next => (uint)Bits & (CellCount - 1);

    /// <summary>Whether the cell has just had its last use.</summary>
    public bool IsSpent => Generation == GenerationMax;

    /// <summary>The live word of the next use.</summary>
    public ZsCell Use(uint zspage, uint @class, uint @object)
    {
        Invariant.Assert(!IsLive && !IsSpent && zspage is > 0 and < ZspageCount, $"A cell of generation {Generation} gets an object in zspage {zspage}.");
        return At(Generation + 1, zspage, @class, @object);
    }

    /// <summary>The same use, elsewhere.</summary>
    public ZsCell Move(uint zspage, uint @object)
    {
        Invariant.Assert(IsLive && zspage is > 0 and < ZspageCount, $"A cell of generation {Generation} moves to zspage {zspage}.");
        return At(Generation, zspage, Class, @object);
    }

    /// <summary>The free word after this use; the generation of a spent cell goes back to 0, which no handle has.</summary>
    public ZsCell Free(uint next)
    {
        Invariant.Assert(IsLive && next < CellCount, $"A cell of generation {Generation} becomes free in front of {next}.");
        return new(((Bits & GenerationMask) + (1UL << GenerationShift)) | next);
    }

    /// <summary>The same free cell with another successor.</summary>
    public ZsCell Link(uint next)
    {
        Invariant.Assert(!IsLive && next < CellCount, $"A cell of generation {Generation} is chained to {next}.");
        return new((Bits & GenerationMask) | next);
    }

    private static ZsCell At(uint generation, uint zspage, uint @class, uint @object) =>
        new(((ulong)generation << GenerationShift) | ((ulong)zspage << ZspageShift) | (@class << ClassShift) | @object);
}
