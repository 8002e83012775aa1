using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>
/// The size classes for one longest chain: 255 sizes from 32 to 4096 bytes in steps of 16, those with equal zspages merged into the largest
/// of them. The classes that remain are numbered from the smallest size on.
/// </summary>
/// <remarks>Source: mm/zsmalloc.c of Linux. The chain of a class is the shortest one that wastes the fewest bytes at its end.</remarks>
internal sealed class ZsClassTable
{
    /// <summary>Classes before merging.</summary>
    public const int SizeCount = 255;

    /// <summary>Bytes of an object's head.</summary>
    public const int HeadBytes = 8;

    private const int SizeMin = 32;
    private const int SizeStep = 16;

    private readonly byte[] _bySize = new byte[SizeCount];

    /// <summary>Computes the table.</summary>
    /// <param name="chainFramesMax">Longest chain, in frames.</param>
    public ZsClassTable(int chainFramesMax)
    {
        var classes = new List<ZsClass>();
        var merged = new int[SizeCount];
        for (int index = SizeCount - 1; index >= 0; index--)
        {
            int bytes = SizeMin + (index * SizeStep);
            var candidate = new ZsClass(index, bytes, ChainOf(bytes, chainFramesMax));
            if (classes.Count == 0 || classes[^1].Frames != candidate.Frames || classes[^1].Objects != candidate.Objects)
            {
                classes.Add(candidate);
            }

            merged[index] = classes.Count - 1;
        }

        classes.Reverse();
        Classes = classes;
        for (int index = 0; index < SizeCount; index++)
        {
            _bySize[index] = (byte)(classes.Count - 1 - merged[index]);
        }

        // The largest slot that shares a frame: from the next size on every object has one of its own.
        HugeWatermark = classes[^2].Bytes;
    }

    /// <summary>The classes that remain after merging, smallest first; the last is the huge class.</summary>
    public IReadOnlyList<ZsClass> Classes { get; }

    /// <summary>Largest slot below the huge class, in bytes, head included.</summary>
    public int HugeWatermark { get; }

    /// <summary>Largest object below the huge class, in bytes.</summary>
    public int HugeObjectBytes => HugeWatermark - HeadBytes;

    /// <summary>The class for an object.</summary>
    /// <param name="bytes">Its size, 1 to 4096.</param>
    public byte ClassOf(int bytes) => _bySize[SizeIndexOf(bytes)];

    private static int SizeIndexOf(int bytes) =>
        int.Min((int.Max(bytes + HeadBytes - SizeMin, 0) + SizeStep - 1) / SizeStep, SizeCount - 1);

    private static int ChainOf(int bytes, int chainFramesMax)
    {
        int best = 1;
        int waste = int.MaxValue;
        for (int frames = 1; frames <= chainFramesMax; frames++)
        {
            int tail = frames * Pfn.FrameBytes % bytes;
            if (tail < waste)
            {
                best = frames;
                waste = tail;
            }
        }

        return best;
    }
}
