using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines;

/// <summary>Sizes of the encodings' pool.</summary>
internal static class EncodedGeometry
{
    /// <summary>Frames of a block, as an order.</summary>
    public const int BlockOrder = 2;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = Pfn.FrameBytes << BlockOrder;

    /// <summary>Bytes of a slot before the object: its handle, or the next free slot.</summary>
    public const int HeadBytes = 8;

    /// <summary>Largest object.</summary>
    public const int BytesMax = 4096;

    /// <summary>Number of classes: the last one holds the largest object with its head and a byte for the class.</summary>
    public const int Classes = 256;

    /// <summary>Slots differ by this, and begin at multiples of it, in bytes.</summary>
    public const int Step = 16;

    private const int SlotBytesMin = 32;

    /// <summary>The class for objects of a size.</summary>
    public static int ClassFor(int bytes, int bytesOfEncoding) =>
        (Math.Max(bytes + bytesOfEncoding + HeadBytes, SlotBytesMin) - SlotBytesMin + Step - 1) / Step;

    /// <summary>Bytes of a class's slots.</summary>
    public static int SlotBytes(int cls) => SlotBytesMin + (cls * Step);
}
