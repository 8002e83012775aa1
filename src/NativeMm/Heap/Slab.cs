using System.Runtime.InteropServices;

namespace NativeMm.Heap;

/// <summary>
/// Descriptor of one slab: a block of frames cut into equal blocks. It lies beside the zone, at the index of the slab's first granule, with a
/// bitmap of the free blocks in a second array. Everything is guarded by the lock of the slab's <see cref="Depot"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct Slab
{
    /// <summary>Size of a descriptor.</summary>
    public const int Bytes = 64;

    /// <summary>Marks the end of a list of slabs.</summary>
    public const uint None = uint.MaxValue;

    [FieldOffset(0)]
    public uint Next;

    [FieldOffset(4)]
    public uint Previous;

    /// <summary>Blocks whose bit in the bitmap is set.</summary>
    [FieldOffset(8)]
    public int FreeCount;

    /// <summary>First block that was never handed out since the slab's frames were known to be zero; past the end if that is not known.</summary>
    [FieldOffset(12)]
    public int Untouched;

    /// <summary>No word of the bitmap below this one has a bit set.</summary>
    [FieldOffset(16)]
    public int FirstWord;

    /// <summary>Number of the trim pass before which the slab last changed.</summary>
    [FieldOffset(20)]
    public uint ChangedAt;

    /// <summary>Free count when the slab's unused pages were last discarded, −1 if it changed since.</summary>
    [FieldOffset(24)]
    public int DiscardedAt;

    /// <summary>Whether the slab is in its depot's list.</summary>
    [FieldOffset(28)]
    public bool Listed;

    /// <summary>Whether a trim pass has the slab's free blocks in its hands. The slab stays the class's until they are back.</summary>
    [FieldOffset(29)]
    public bool Held;

    /// <summary>How many slabs began at this granule and ended, or became another class's. The only field that outlives its slab; see <see cref="SlabTicket"/>.</summary>
    [FieldOffset(32)]
    public uint Life;
}
