using System.Runtime.InteropServices;
using NativeMm.Diagnostics;

namespace NativeMm.Zsmalloc;

/// <summary>Geometry of one size class.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal readonly struct ZsClass
{
    /// <summary>Zspages are counted in this many groups: empty, ten bands, full.</summary>
    public const int Groups = 12;

    /// <summary>The group of full zspages.</summary>
    public const int FullGroup = Groups - 1;

    /// <summary>The bands, as bits.</summary>
    public const uint PartialMask = ((1u << FullGroup) - 1) & ~1u;

    private const int RatioShift = 16;
    private const uint Bands = 10;

    private readonly uint _ratio;

    /// <summary>Makes a class.</summary>
    /// <param name="index">Its number before merging.</param>
    /// <param name="bytes">Bytes of a slot.</param>
    /// <param name="frames">Frames of a zspage.</param>
    public ZsClass(int index, int bytes, int frames)
    {
        Index = (byte)index;
        Bytes = (ushort)bytes;
        Frames = (byte)frames;
        Objects = (ushort)(frames * 4096 / bytes);

        // Exact for counts up to 256: the error stays below 256 / 2¹⁶, the fraction of a count below 1 − 1/256.
        Invariant.Assert(Objects is > 0 and <= 256, $"{Objects} slots of {bytes} bytes are in {frames} frames.");
        _ratio = ((Bands << RatioShift) / Objects) + 1;
    }

    /// <summary>Number of the class before merging, 0 to 254.</summary>
    public byte Index { get; }

    /// <summary>Frames of a zspage.</summary>
    public byte Frames { get; }

    /// <summary>Bytes of a slot.</summary>
    public ushort Bytes { get; }

    /// <summary>Objects of a zspage, at most 256.</summary>
    public ushort Objects { get; }

    /// <summary>Whether an object has a frame of its own, and its head lies in the descriptor.</summary>
    public bool IsHuge => Objects == 1;

    /// <summary>The group of a zspage with that many objects in use.</summary>
    public uint GroupOf(uint used) =>
        used == 0 ? 0 : used == Objects ? FullGroup : ((used * _ratio) >> RatioShift) + 1;
}
